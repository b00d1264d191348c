"""What is wrong with a document, said to the person who wrote it: `file:line: what is wrong; what to do`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dropforge.domain.errors import DropforgeError

Location = tuple[str | int, ...]
"""The way to a value in a document: mapping keys and list positions, outermost first."""


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake. `file` is the file's name as the user gave it, `line` counts from 1."""

    file: str
    line: int
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}; {self.remedy}"


class DocumentError(DropforgeError):
    """A document that cannot be used; its text is one problem a line, in the order of the lines."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))
