"""`python -m tests.faults.remove_guards [PART OF A NAME]`: take each guard away in turn, in a copy of the tree.

With no argument the table of docs/guarantees.md is written anew. Exit status 1 when a guard is missed by every test.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.faults.guard import Guard
from tests.faults.guards import GUARDS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guarantees.md"
BEGIN, END = "<!-- guards: made by `make guards` -->", "<!-- end of guards -->"
LINKED = frozenset({".venv", ".tools", "node_modules"})
LEFT_OUT = frozenset({".git", ".localaws", "cdk.out", "build", ".hypothesis", ".mypy_cache", ".ruff_cache"})
SECONDS = 300


class GuardNotFoundError(LookupError):
    """The code that a guard names has changed: mend its entry in tests/faults/guards_in_….py."""


def without(guard: Guard, source: str) -> str:
    """The file's text without the guard; GuardNotFoundError unless it is there exactly once."""
    found = source.count(guard.intact)
    if found != 1:
        raise GuardNotFoundError(f"{guard.name!r}: {guard.intact!r} is {found} times in {guard.file}, and must be once")
    return source.replace(guard.intact, guard.removed)


def failing_test(guard: Guard, tree: Path) -> str | None:
    """The first test that fails without the guard; None when all pass."""
    file = tree / guard.file
    intact = file.read_text("utf-8")
    file.write_text(without(guard, intact), "utf-8")
    try:
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *guard.tests]
        ran = subprocess.run(command, cwd=tree, capture_output=True, text=True, timeout=SECONDS, check=False)
    finally:
        file.write_text(intact, "utf-8")
    failed = re.search(r"^(?:FAILED|ERROR) (\S+?)(?:\[.*)?(?: - .*)?$", ran.stdout, re.MULTILINE)
    if failed is None and ran.returncode not in {0, 1}:
        raise RuntimeError(f"{guard.name!r}: the tests could not be run: {ran.stdout[-2000:]}{ran.stderr[-2000:]}")
    return failed[1] if failed else None


def copy_tree(to: Path) -> None:
    def left_out(_: str, names: list[str]) -> set[str]:
        return {name for name in names if name in LINKED | LEFT_OUT or name == "__pycache__"}

    shutil.copytree(ROOT, to, ignore=left_out)
    for name in LINKED:
        (to / name).symlink_to((ROOT / name).resolve())


def table(rows: list[tuple[Guard, str]]) -> str:
    lines = ["| without this | in | this test fails |", "| --- | --- | --- |"]
    lines += [f"| {guard.name} | `{guard.file}` | `{test}` |" for guard, test in rows]
    return "\n".join(lines)


def names_on(page: str) -> list[str]:
    """The guards that the page's table lists."""
    lines = page.partition(BEGIN)[2].partition(END)[0].strip().splitlines()
    return [line.split("|")[1].strip() for line in lines[2:]]


def main(arguments: list[str]) -> int:
    chosen = [guard for guard in GUARDS if not arguments or arguments[0] in guard.name]
    rows, missed = [], []
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        copy_tree(tree)
        for guard in chosen:
            test = failing_test(guard, tree)
            sys.stdout.write(f"{guard.name}: {test or 'NO TEST FAILS'}\n")
            sys.stdout.flush()
            if test is None:
                missed.append(guard.name)
            else:
                rows.append((guard, test))
    sys.stdout.write(f"{len(rows)} guards taken away and seen, {len(missed)} missed\n")
    if not arguments and not missed:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{table(rows)}\n{END}{rest.partition(END)[2]}", "utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
