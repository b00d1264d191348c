"""Each has its turn: what fails for one keeps none of the others waiting, and all failures are told together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dropforge.domain.errors import DropforgeError

TOLD = 5
"""How many failures an error names; it has all of them as its cause."""


class Failures:
    """What failed so far, of things that are looked at one after the other."""

    def __init__(self) -> None:
        self._kept: list[tuple[str, Exception]] = []

    @contextmanager
    def kept(self, name: str) -> Iterator[None]:
        """Around what is done for one of them: whatever it fails with is kept to the end, under the name."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  (whatever it is, it is raised once all others had their turn)
            self.keep(name, error)

    def keep(self, name: str, error: Exception) -> None:
        self._kept.append((name, error))

    def raise_as(self, kind: type[DropforgeError], beginning: str) -> None:
        """When all had their turn: an error that says, behind its beginning, what failed; nothing if nothing did."""
        if not self._kept:
            return
        told = [f"{name}: {str(error) or type(error).__name__}" for name, error in self._kept[:TOLD]]
        more = len(self._kept) - len(told)
        told += [f"and {more} more"] if more else []
        raise kind(f"{beginning}: {'; '.join(told)}") from ExceptionGroup(beginning, [each for _, each in self._kept])
