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
        self.steps = happening.steps

    def __missing__(self, key: tuple[int, int]) -> Asking:
        world, at = key
        stands: list[int | None] = [at]
        change: tuple[int, int | None] | None = None
        while True:
            world_after, after = self.steps[world, at]
            if world_after != world:
                change = world_after, after
                break
            stands.append(after)
            if after is None:
                break
            at = after
        self[key] = found = Asking(tuple(stands), change)
        return found


class Apart(dict[tuple[int, int, int], tuple[int | None, ...]]):
    """Of a world, a later one, and a delivery: where that may stand when somebody else changes the world to the later.

    Of all stands from which it goes on there as one, the first.
    """

    def __init__(self, askings: Askings) -> None:
        super().__init__()
        self._askings = askings

    def __missing__(self, key: tuple[int, int, int]) -> tuple[int | None, ...]:
        world, later, delivery = key
        steps, asked = self._askings.steps, pairwise(self._askings[world, delivery].stands)
        others = [after for at, after in asked if at is not None and steps[later, at] != (later, after)]
        self[key] = found = (delivery, *others)
        return found
