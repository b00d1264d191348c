"""Every schedule of a history: all interleavings of what is under way, with crashes and second deliveries anywhere.

Why so few states stand for so many schedules (`tests/faults/schedules.py` has them call by call):
- What can still happen depends on the world, on where each delivery stands (its message and the replies that it got),
  and on how many crashes and second deliveries are left, and on nothing else. So two schedules that lead to equal
  states have the same futures, and these are looked at once. States are compared whole, not by a hash.
- A step is a change of the world. A call that leaves the world as it is (a question, and just so a condition that
  fails) is felt by its delivery alone, so one is made only when it matters, which is right before somebody else's
  change. A state says of each delivery where it stands at the earliest, and is for all schedules in which it has asked
  on from there. Each change that follows, by whomever, leads to one state for every stand that the others may have by
  then; of stands between which all calls return after the change what they returned before it, and still change
  nothing, to the one for the first, from which it can ask on as well. So whatever stands a schedule comes to, each is
  asked for from where some state has it; and whatever has only to ask until its end may have come to it.
- A function is killed right after a call that changed the world, and nowhere else. Whoever is killed later, before it
  changed anything more, lies in its queue as whoever was killed then and was not delivered again until later; and who
  was killed before it changed anything, as who was not delivered until later.
- Whether a message comes a second time is settled when it comes first. The copy lies in its queue until it is begun.
- Of two states that differ only in what is left of crashes and second deliveries, all that follows from the one with
  less left follows from the other too, and the same is checked on the way.
`tests/faults/test_every_schedule.py` shows of small histories that this loses no world, no call in any, and no end.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from tests.faults.asking import Askings
from tests.faults.histories import History
from tests.faults.invariants import ViolationError
from tests.faults.schedules import Left, Schedules, State

Place: TypeAlias = tuple[State, Left]


@dataclass(frozen=True)
class Figures:
    """`calls` are those that some delivery makes in some world, each counted once for each world; `ends` the worlds,
    each by its number, in which all that was sent has been delivered.
    """

    states: int
    worlds: int
    calls: int
    ends: frozenset[int]


class Explorer:
    def __init__(self, name: str, history: History) -> None:
        self.schedules = Schedules(name, history)
        self._roots = self.schedules.happening.roots
        self._askings = Askings(self.schedules.happening)
        self._last_act = len(history.acts) - 1
        lefts = {left for c, r in history.most for left in product(range(c + 1), range(r + 1))}
        self._found: dict[Left, dict[State, Place | None]] = {left: {} for left in sorted(lefts, reverse=True)}
        for most in history.most:
            self._found[most][self.schedules.start] = None
            for after, left in self._doubled(self.schedules.start, most):
                self._found[left][after] = self.schedules.start, most

    def explore(self) -> Figures:
        """All schedules; ViolationError with the schedule that breaks a promise."""
        gc.disable()  # millions of values that all stay
        try:
            for left in self._found:
                self._explore_with(left)
        finally:
            gc.enable()
        return self.figures

    @property
    def figures(self) -> Figures:
        states, happening = sum(map(len, self._found.values())), self.schedules.happening
        return Figures(states, len(happening.worlds), happening.calls, frozenset(self.schedules.ends))

    def _explore_with(self, left: Left) -> None:
        """All states with so much left, once those with more left are known."""
        found, richer = self._found[left], self._richer_than(left)
        for state in [each for each in found if any(each in others for others in richer)]:
            del found[state]
        ahead = list(found)
        while ahead:
            here = ahead.pop(), left
            for after, still_left in self._checked_steps(here):
                if still_left != left:
                    self._found[still_left].setdefault(after, here)
                elif after not in found:
                    for others in richer:
                        if after in others:
                            break
                    else:
                        found[after] = here
                        ahead.append(after)

    def _checked_steps(self, here: Place) -> list[Place]:
        try:
            return list(self._steps_from(*here))
        except ViolationError as violation:
            token = self.schedules.token(self._way_to(here))
            raise ViolationError(f"{violation}\nschedule: {token}") from violation

    def _way_to(self, here: Place) -> list[Place]:
        way: list[Place] = []
        cause: Place | None = here
        while cause is not None:
            way.append(cause)
            state, left = cause
            cause = self._found[left][state]
        return way[::-1]

    def _richer_than(self, left: Left) -> list[dict[State, Place | None]]:
        crashes, repeats = left
        return [each for (c, r), each in self._found.items() if (c, r) != left and c >= crashes and r >= repeats]

    def _steps_from(self, state: State, left: Left) -> Iterator[Place]:
        act, world, firsts, second = state
        ended = 0
        under_way = (*firsts, second)
        for place, each in enumerate(under_way):
            if each is None:
                continue
            change = self._askings[world, each].change
            if change is None:
                ended += place < len(firsts)
                continue
            later, after = change
            before = [self._askings.apart(world, later, other) for other in under_way[:place]]
            behind = [self._askings.apart(world, later, other) for other in under_way[place + 1 :]]
            for *stands, second_stands in product(*before, (after,), *behind):
                yield self.schedules.state(act, later, stands, second_stands), left
            if left[0]:
                for *stands, second_stands in product(*before, (self._roots[each],), *behind):
                    yield self.schedules.state(act, later, stands, second_stands), (left[0] - 1, left[1])
        if ended == len(firsts):
            yield from self._next_act(state, left)

    def _next_act(self, state: State, left: Left) -> Iterator[Place]:
        act, world, _, second = state
        if act == self._last_act:
            self.schedules.check_end(world)
            return
        later, firsts = self.schedules.begin_next(act, world)
        for stand in self._askings.apart(world, later, second):
            yield self.schedules.state(act + 1, later, firsts, stand), left
        yield from self._doubled((act + 1, later, firsts, None), left)

    def _doubled(self, state: State, left: Left) -> Iterator[Place]:
        """As an act begins, one of its messages is there twice."""
        act, world, firsts, _ = state
        crashes, repeats = left
        for each in sorted(set(firsts)) if repeats else ():
            yield self.schedules.state(act, world, firsts, each), (crashes, repeats - 1)
