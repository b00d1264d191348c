"""The schedules of a history, call by call, with nothing left out.

A schedule is a text of one letter a step, `<history>:<steps>`:
    a, b, c   the act's first, second or third message makes its next call to the world
    A, B, C   the same, and its function is killed then; the message is delivered again from the start
    d … m     a message that was delivered before, counted from the first, is delivered a second time
    x, X      that second delivery makes its next call, or does and is killed then
    n         what AWS and people do next happens: the next act

`tests/faults/explorer.py` looks at all of them without going through each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import ge
from typing import NamedTuple, TypeAlias

from dropforge.domain.run import RunStatus
from tests.faults.happening import Happening
from tests.faults.histories import History
from tests.faults.invariants import ViolationError, check_rest, require
from tests.faults.rest import come_to_rest

FIRSTS, AGAIN = "abc", "defghijklm"

State: TypeAlias = tuple[int, int, tuple[int, ...], int | None]
"""The act; the number of the world; those of the deliveries of the act's messages, in order, so that it does not matter
which came first; and that of the second delivery that is under way, or None. In the last act, for whose end nothing
waits, a second delivery is one like any other. A plain tuple: there are many."""
Left: TypeAlias = tuple[int, int]
"""How many crashes and second deliveries there may still be."""


class Place(NamedTuple):
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


class Arranged(dict[tuple[int | None, ...], tuple[int, ...]]):
    """Deliveries, without those at their end, in order."""

    def __missing__(self, key: tuple[int | None, ...]) -> tuple[int, ...]:
        arranged = tuple(sorted([each for each in key if each is not None]))
        self[key] = found = arranged if arranged == key else self[arranged]
        return found


class Schedules:
    def __init__(self, name: str, history: History) -> None:
        self.happening = Happening(history.world())
        self.arranged = Arranged()
        self.ends: set[int] = set()
        """The worlds, each by its number, in which all that was sent has been delivered."""
        self._name = name
        self._history = history
        self._last_act = len(history.acts) - 1
        world, firsts = self.happening.begin(history.acts[0], self.happening.first)
        self.start = self.state(0, world, firsts, None)
        self._first = Place(0, world, firsts, None, history.at_most, firsts)

    def state(self, act: int, world: int, firsts: tuple[int | None, ...], second: int | None) -> State:
        """Of what is under way; None is what has come to its end."""
        if act == self._last_act:
            return act, world, self.arranged[*firsts, second], None
        return act, world, self.arranged[firsts], second

    def begin_next(self, act: int, world: int) -> tuple[int, tuple[int, ...]]:
        """The act after that one."""
        return self.happening.begin(self._history.acts[act + 1], world)

    def check_end(self, number: int) -> None:
        """ViolationError if everything is delivered in that world, and something would be owed for good."""
        if number in self.ends:
            return
        world = self.happening.worlds.back_to(number)
        come_to_rest(world)
        check_rest(world)
        runs = len(world.store.runs)
        require(runs in self._history.runs, 1, f"there are {runs} runs, and should be {self._history.runs}")
        wanted = sum(run.status is not RunStatus.SUPERSEDED for run in world.store.runs.values())
        require(len(world.jobs.requests) == wanted, 2, f"there are {len(world.jobs.requests)} jobs of {wanted} runs")
        self.ends.add(number)

    def count(self) -> int:
        """How many there are: all ways through all places. ViolationError if one of them breaks a promise."""
        first = self._first
        ways: dict[Place, int] = {}
        ahead: list[tuple[Place, list[Place] | None]] = [(first, None)]
        while ahead:
            here, following = ahead.pop()
            if following is not None:
                ways[here] = sum([ways[each] for each in following]) or 1
            elif here not in ways:
                following = [self._after(here, letter) for letter in self._letters(here)]
                ahead.append((here, following))
                ahead.extend([(each, None) for each in following if each not in ways])
        return ways[first]

    def replay(self, steps: str) -> Iterator[str]:
        """One schedule, a line for each step."""
        place = self._first
        for letter in steps:
            doing = self._describe(place, letter)
            if letter not in self._letters(place):
                raise ValueError(f"{letter!r} is no step that can follow here; {doing}")
            yield f"{letter}  {doing}"
            place = self._after(place, letter)

    def token(self, through: Sequence[tuple[State, Left]]) -> str:
        """The shortest schedule that leads through these states, and from the last, with no more crashes, to what
        breaks a promise.
        """
        letters, place = "", self._first._replace(left=through[0][1])
        for state, left in through:
            found, place = self._way(place, left, state)
            letters += found
        return f"{self._name}:{letters}{self._way(place, place.left, None)[0]}"

    def _way(self, start: Place, least: Left, goal: State | None) -> tuple[str, Place]:
        ways, ahead = {start: ""}, [start]
        for place in ahead:
            if place.left == least and self.state(*place[:4]) == goal:
                return ways[place], place
            for letter in self._letters(place):
                try:
                    after = self._after(place, letter)
                except ViolationError:
                    return ways[place] + letter, place
                if after not in ways and all(map(ge, after.left, least)):
                    ways[after] = ways[place] + letter
                    ahead.append(after)
        raise AssertionError("no schedule leads there")

    def _letters(self, place: Place) -> str:
        """The steps that can follow."""
        under_way = "".join([FIRSTS[at] for at, each in enumerate(place.firsts) if each is not None])
        under_way += "x" * (place.second is not None)
        crashes, repeats = place.left
        killed = under_way.upper() if crashes else ""
        again = AGAIN[: len(place.delivered)] if repeats and place.second is None else ""
        return under_way + killed + again + "n" * (place.act < self._last_act and place.are_firsts_done)

    def _after(self, place: Place, letter: str) -> Place:
        act, world, firsts, second, (crashes, repeats), delivered = place
        if letter == "n":
            world, firsts = self.begin_next(act, world)
            return Place(act + 1, world, firsts, second, place.left, (*delivered, *firsts))
        if letter in AGAIN:
            return Place(act, world, firsts, delivered[AGAIN.index(letter)], (crashes, repeats - 1), delivered)
        at = FIRSTS.find(letter.lower())
        delivery = second if at < 0 else firsts[at]
        assert delivery is not None
        world, after = self.happening.steps[world, delivery]
        if letter.isupper():
            crashes, after = crashes - 1, self.happening.roots[delivery]
        if at < 0:
            place = Place(act, world, firsts, after, (crashes, repeats), delivered)
        else:
            place = Place(act, world, (*firsts[:at], after, *firsts[at + 1 :]), second, (crashes, repeats), delivered)
        if act == self._last_act and place.second is None and place.are_firsts_done:
            self.check_end(world)
        return place

    def _named(self, place: Place, letter: str) -> int | None:
        firsts, again = zip(FIRSTS, place.firsts, strict=False), zip(AGAIN, place.delivered, strict=False)
        return dict([*firsts, *again, ("x", place.second)]).get(letter.lower())

    def _describe(self, place: Place, letter: str) -> str:
        if letter == "n" and place.act < self._last_act:
            return f"next: {self._history.acts[place.act + 1].__name__.replace('_', ' ')}"
        delivery = self._named(place, letter)
        if delivery is None:
            return "nothing of that name is under way"
        if letter in AGAIN:
            return f"{self.happening.name(delivery)} is delivered again"
        return f"{self.happening.describe(place.world, delivery)}{', and is killed' * letter.isupper()}"
