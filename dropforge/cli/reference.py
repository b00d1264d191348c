"""The reference page of the command line, from the commands' own help.

python -m dropforge.cli.reference
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from typer.testing import CliRunner

from dropforge.cli.main import COMMANDS, app

PAGE = Path(__file__).parents[2] / "docs" / "command-line.md"

_HEAD = """# The command line
What each command says of itself, written by `make reference`; a test holds it fresh. What one asks of
it, and what it answers: [questions and answers](questions.md).

`dropforge --install-completion` has bash, zsh, fish and PowerShell complete commands and options.

"""


def page() -> str:
    """Markdown, a section a command, in the order of `dropforge --help`."""
    named = [[], *([name] for name in COMMANDS), *_named_by_two_words()]
    return _HEAD + "\n".join(map(_section, named))


def _named_by_two_words() -> Iterator[list[str]]:
    for group in app.registered_groups:
        for command in group.typer_instance.registered_commands if group.typer_instance else []:
            yield [str(group.name), str(command.name)]


def _section(words: list[str]) -> str:
    asked = CliRunner().invoke(app, [*words, "--help"], prog_name="dropforge", env={"COLUMNS": "110"})
    text = "\n".join(line.rstrip() for line in asked.stdout.strip().splitlines())
    return f"## {' '.join(['dropforge', *words])}\n```text\n{text}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    sys.stdout.write(f"wrote {PAGE}\n")
