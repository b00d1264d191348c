"""The shape of the tree, held by reading every import in it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

VALUE_MODULES = frozenset(
    {
        "__future__",
        "base64",
        "collections",
        "contextlib",
        "dataclasses",
        "datetime",
        "decimal",
        "enum",
        "fnmatch",
        "functools",
        "hashlib",
        "heapq",
        "itertools",
        "json",
        "re",
        "types",
        "typing",
    }
)
"""Of the standard library, what knows no clock of its own choosing, no randomness, no file and no network."""

MAY_IMPORT = {
    "dropforge/domain": {"dropforge.domain"},
    "dropforge/workflow": {"dropforge.domain", "dropforge.workflow"},
    "dropforge/documents": {"dropforge.domain", "dropforge.documents"},
    "dropforge/adapters": {"dropforge.domain", "dropforge.workflow", "dropforge.adapters", "dropforge.settings"},
}
"""What each part may import of dropforge itself."""


def python_files(*folders: str) -> list[Path]:
    found = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    return [file for file in found if "__pycache__" not in file.parts]


def imports_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} imports relatively"
            yield node.module or ""


def offences(folder: str, is_allowed: Callable[[str], bool]) -> list[str]:
    return [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in python_files(folder)
        for name in imports_of(file)
        if not is_allowed(name)
    ]


def package_of(name: str) -> str:
    return name.partition(".")[0]


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_parts_of_dropforge_import_only_what_lies_further_in(part: str) -> None:
    allowed = MAY_IMPORT[part]
    assert python_files(part)
    assert not offences(
        part, lambda name: package_of(name) != "dropforge" or any(f"{name}.".startswith(f"{a}.") for a in allowed)
    )


def test_the_domain_imports_value_modules_of_the_standard_library_and_nothing_else() -> None:
    assert not offences("dropforge/domain", lambda name: package_of(name) in VALUE_MODULES | {"dropforge"})


def test_the_workflow_imports_value_modules_of_the_standard_library_and_nothing_else() -> None:
    assert not offences("dropforge/workflow", lambda name: package_of(name) in VALUE_MODULES | {"dropforge"})


def test_time_is_asked_of_a_port_and_never_of_the_machine() -> None:
    asked = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in python_files("dropforge/domain", "dropforge/workflow")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in {"now", "utcnow", "today"}
        and isinstance(node.value, ast.Name)
        and node.value.id in {"datetime", "date"}
    ]
    assert not asked


def test_aws_is_reached_from_the_adapters_and_from_what_wires_them() -> None:
    """Handlers may use Powertools, which frames what AWS sends them, but no client."""
    reaching = [
        offence
        for folder in ("dropforge", "lambdas", "stacks")
        for offence in offences(folder, lambda name: package_of(name) not in {"boto3", "botocore"})
        if not offence.startswith(("dropforge/adapters/", "dropforge/bootstrap.py"))
    ]
    assert not reaching


def test_the_environment_is_read_in_the_settings_alone() -> None:
    readers = {
        str(file.relative_to(ROOT))
        for file in python_files("dropforge", "lambdas", "stacks")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }
    assert readers <= {"dropforge/settings.py"}


def test_the_local_aws_knows_nothing_of_dropforge() -> None:
    assert not offences("localaws", lambda name: package_of(name) != "dropforge")


def test_the_parts_of_the_local_aws_import_in_no_circle() -> None:
    needs: dict[str, set[str]] = {}
    for file in python_files("localaws"):
        part = file.relative_to(ROOT).with_suffix("").parts[1]
        needed = {name.split(".")[1] for name in imports_of(file) if name.startswith("localaws.")}
        needs.setdefault(part, set()).update(needed - {part})
    needs = {part: needed & needs.keys() for part, needed in needs.items()}

    assert "githost" in needs["codepipeline"]
    assert "codepipeline" in TopologicalSorter(needs).static_order()  # or CycleError, which names the circle


def test_the_product_does_not_import_the_local_aws_or_the_tests() -> None:
    for folder in ("dropforge", "lambdas", "stacks"):
        assert not offences(folder, lambda name: package_of(name) not in {"localaws", "tests"})


def test_no_module_is_named_after_nothing_in_particular() -> None:
    nothing_in_particular = {"utils", "util", "helpers", "helper", "common", "misc", "shared"}
    folders = ("dropforge", "lambdas", "stacks", "localaws", "scripts", "tests")
    names = {part for file in python_files(*folders) for part in file.relative_to(ROOT).with_suffix("").parts}
    assert not names & nothing_in_particular


def test_the_value_modules_are_of_the_standard_library() -> None:
    assert sys.stdlib_module_names >= VALUE_MODULES
