"""The schedules of a history, call by call, with nothing left out. Each is a text, of one letter a step:

    a, b, c   the act's first, second or third message makes its next call to the world
    A, B, C   the same, and its function is killed then; the message is delivered again from the start
    d … m     a message that was delivered before, counted from the first, is delivered a second time
    x, X      that second delivery makes its next call, or does and is killed then
    n         what AWS and people do next happens: the next act

`tests/faults/explorer.py` looks at all of them without going through each.
"""

from __future__ import annotations

from typing import NamedTuple

from tests.faults.unfolding import Left, Unfolding

FIRSTS, AGAIN = "abc", "defghijklm"


class Point(NamedTuple):
    """Where a schedule has come to. Whatever message has come to its end is None."""

    act: int
    world: int
    firsts: tuple[int | None, ...]
    second: int | None
    left: Left
    delivered: tuple[int, ...]
    """All messages that were, in order."""

    @property
    def are_firsts_done(self) -> bool:
        return self.firsts.count(None) == len(self.firsts)

    def named(self, letter: str) -> int | None:
        """The delivery that the letter is of; None if there is none."""
        firsts, again = zip(FIRSTS, self.firsts, strict=False), zip(AGAIN, self.delivered, strict=False)
        return dict([*firsts, *again, ("x", self.second)]).get(letter.lower())


class Schedules:
    def __init__(self, unfolding: Unfolding) -> None:
        self.unfolding = unfolding
        world, firsts = unfolding.begun
        self.first = Point(0, world, firsts, None, unfolding.history.at_most, firsts)

    def letters(self, point: Point) -> str:
        """The steps that can follow."""
        under_way = "".join([FIRSTS[at] for at, each in enumerate(point.firsts) if each is not None])
        under_way += "x" * (point.second is not None)
        crashes, repeats = point.left
        killed = under_way.upper() if crashes else ""
        again = AGAIN[: len(point.delivered)] if repeats and point.second is None else ""
        return under_way + killed + again + "n" * (point.act < self.unfolding.last_act and point.are_firsts_done)

    def after(self, point: Point, letter: str) -> Point:
        """ViolationError if that step breaks a promise, or nothing comes after it and one is broken then."""
        if letter == "n":
            world, firsts = self.unfolding.begin_next(point.act, point.world)
            delivered = (*point.delivered, *firsts)
            return Point(point.act + 1, world, firsts, point.second, point.left, delivered)
        if letter in AGAIN:
            crashes, repeats = point.left
            return point._replace(second=point.named(letter), left=(crashes, repeats - 1))
        after = self._after_a_call(point, letter)
        if after.act == self.unfolding.last_act and after.second is None and after.are_firsts_done:
            self.unfolding.check_end(after.world)
        return after

    def _after_a_call(self, point: Point, letter: str) -> Point:
        delivery = point.named(letter)
        assert delivery is not None
        world, after = self.unfolding.happening.steps[point.world, delivery]
        crashes, repeats = point.left
        if letter.isupper():
            crashes, after = crashes - 1, self.unfolding.happening.deliveries.roots[delivery]
        point = point._replace(world=world, left=(crashes, repeats))
        at = FIRSTS.find(letter.lower())
        if at < 0:
            return point._replace(second=after)
        return point._replace(firsts=(*point.firsts[:at], after, *point.firsts[at + 1 :]))

    def count(self) -> int:
        """How many there are: all ways through all points. ViolationError if one of them breaks a promise."""
        ways: dict[Point, int] = {}
        ahead: list[tuple[Point, list[Point] | None]] = [(self.first, None)]
        while ahead:
            here, following = ahead.pop()
            if following is not None:
                ways[here] = sum([ways[each] for each in following]) or 1
            elif here not in ways:
                following = [self.after(here, letter) for letter in self.letters(here)]
                ahead.append((here, following))
                ahead.extend([(each, None) for each in following if each not in ways])
        return ways[self.first]
