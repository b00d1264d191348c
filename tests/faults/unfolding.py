"""A history as it unfolds: act after act, in worlds and with deliveries that go by their numbers, to its ends."""

from __future__ import annotations

from typing import TypeAlias

from dropforge.domain.run import RunStatus
from tests.faults.happening import Happening
from tests.faults.histories import History
from tests.faults.invariants import check_rest, require
from tests.faults.rest import come_to_rest

State: TypeAlias = tuple[int, int, tuple[int, ...], int | None]
"""The act; the number of the world; those of the deliveries of the act's messages, in order, so that it does not matter
which came first; and that of the second delivery that is under way, or None. In the last act, for whose end nothing
waits, a second delivery is one like any other. A plain tuple: there are many."""
Left: TypeAlias = tuple[int, int]
"""How many crashes and second deliveries there may still be."""


class Arranged(dict[tuple[int | None, ...], tuple[int, ...]]):
    """Deliveries, without those at their end, in order."""

    def __missing__(self, key: tuple[int | None, ...]) -> tuple[int, ...]:
        arranged = tuple(sorted([each for each in key if each is not None]))
        self[key] = found = arranged if arranged == key else self[arranged]
        return found


class Unfolding:
    def __init__(self, history: History, happening: Happening | None = None) -> None:
        self.history = history
        self.happening = happening or Happening(history.world())
        self.arranged = Arranged()
        self.ends: set[int] = set()
        """The worlds, each by its number, in which all that was sent has been delivered."""
        self.last_act = len(history.acts) - 1
        self.begun = self.happening.begin(history.acts[0], self.happening.first)
        """The world, and the deliveries, as the first act begins."""

    @property
    def start(self) -> State:
        return self.state(0, *self.begun, None)

    def state(self, act: int, world: int, firsts: tuple[int | None, ...], second: int | None) -> State:
        """Of what is under way; None is what has come to its end."""
        if act == self.last_act:
            return act, world, self.arranged[*firsts, second], None
        return act, world, self.arranged[firsts], second

    def begin_next(self, act: int, world: int) -> tuple[int, tuple[int, ...]]:
        """The act after that one."""
        return self.happening.begin(self.history.acts[act + 1], world)

    def check_end(self, number: int) -> None:
        """ViolationError if everything is delivered in that world, and something would be owed for good."""
        if number in self.ends:
            return
        world = self.happening.worlds.back_to(number)
        come_to_rest(world)
        check_rest(world)
        runs = len(world.store.runs)
        require(runs in self.history.runs, 1, f"there are {runs} runs, and should be {self.history.runs}")
        wanted = sum(run.status is not RunStatus.SUPERSEDED for run in world.store.runs.values())
        require(len(world.jobs.requests) == wanted, 2, f"there are {len(world.jobs.requests)} jobs of {wanted} runs")
        self.ends.add(number)
