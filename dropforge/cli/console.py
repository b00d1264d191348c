"""Where words go: results to stdout, as text or JSON; progress, notes and errors to stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import rich.console

PIPED_WIDTH = 140
"""Columns where nobody's terminal says how many there are."""


class Console:
    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def document(self, document: object) -> None:
        """A result as JSON."""
        sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")

    def line(self, text: str = "", style: str = "") -> None:
        """A line of a result, never wrapped: what it holds is there to be copied."""
        self._out.print(text, style=style or None, markup=False, highlight=False, soft_wrap=True)

    def show(self, *renderables: rich.console.RenderableType) -> None:
        """Tables and the like, as a result."""
        self._out.print(*renderables, markup=False, highlight=False)

    def note(self, text: str) -> None:
        self._error.print(text, markup=False, highlight=False, soft_wrap=True)

    def problem(self, text: str) -> None:
        self._error.print(text, style="red", markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def busy(self, text: str) -> Iterator[None]:
        """Says, on a terminal, what is being waited for."""
        with self._error.status(text):
            yield

    @cached_property
    def _out(self) -> rich.console.Console:
        return _rich(stderr=False)

    @cached_property
    def _error(self) -> rich.console.Console:
        return _rich(stderr=True)


def _rich(*, stderr: bool) -> rich.console.Console:
    from dropforge.cli.plain_console import PlainConsole  # noqa: PLC0415  (it is half of the time of `--help`)

    stream = sys.stderr if stderr else sys.stdout
    return PlainConsole(stderr=stderr, width=None if stream.isatty() else PIPED_WIDTH)
