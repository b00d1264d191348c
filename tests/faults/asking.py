"""What a delivery asks before it changes anything: calls that leave the world as it is."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from tests.faults.happening import Happening


class Asking(NamedTuple):
    """A delivery in a world in which nobody else does anything."""

    stands: tuple[int | None, ...]
    """Where it may stand: where it stood, and after each call that changed nothing; at last None if it is done."""
    change: tuple[int, int | None] | None
    """The world, and the delivery, after the call that is the first to change something."""


class Askings(dict[tuple[int, int], Asking]):
    """Of each world and delivery."""

    def __init__(self, happening: Happening) -> None:
        super().__init__()
        self._steps = happening.steps
        self._apart: dict[tuple[int, int, int], tuple[int | None, ...]] = {}

    def __missing__(self, key: tuple[int, int]) -> Asking:
        world, at = key
        stands: list[int | None] = [at]
        change: tuple[int, int | None] | None = None
        while True:
            world_after, after = self._steps[world, at]
            if world_after != world:
                change = world_after, after
                break
            stands.append(after)
            if after is None:
                break
            at = after
        self[key] = found = Asking(tuple(stands), change)
        return found

    def apart(self, world: int, later: int, delivery: int | None) -> tuple[int | None, ...]:
        """Where it may stand when somebody else changes the world to that later one: of all from which it goes on as
        one, the first.
        """
        if delivery is None:
            return (None,)
        key = world, later, delivery
        if key not in self._apart:
            stands, steps = self[world, delivery].stands, self._steps
            asked = pairwise(stands)
            others = [after for at, after in asked if at is not None and steps[later, at] != (later, after)]
            self._apart[key] = (delivery, *others)
        return self._apart[key]
