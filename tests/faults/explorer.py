"""Every schedule of a history: all interleavings of what is under way, with crashes and second deliveries anywhere.

Why so few states stand for so many schedules (`tests/faults/schedules.py` has them call by call):
- What can still happen depends on the world, on where each delivery stands, and on how many crashes and second
  deliveries are left, and on nothing else. Where a delivery stands follows from its message and the replies that it
  got. Two that were told otherwise stand at the same place if their functions wait for the same call and no longer hold
  what set them apart, which `tests/faults/standing.py` finds in their frames or says that it cannot tell; then the one
  that came first goes on for both. So two schedules that lead to equal states have the same futures, and
  these are looked at once. States are compared whole, not by a hash.
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

The words for it:
- stands: where a delivery may be, one behind each question that it asks before it changes anything
- an Asking: the stands of a delivery while nobody else does anything, and the change that comes behind them
- Apart: those stands that differ once somebody else has changed the world
- a state that is Reached: with what was left of crashes and second deliveries then
- Led: the states that a step leads to
"""

from __future__ import annotations

import gc
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from tests.faults.asking import Apart, Askings
from tests.faults.histories import History
from tests.faults.invariants import ViolationError
from tests.faults.schedules import Schedules
from tests.faults.tokens import token
from tests.faults.unfolding import Left, State, Unfolding

Reached: TypeAlias = tuple[State, Left]
Led: TypeAlias = tuple[Left, list[State]]
"""States that a step leads to, all with so much left."""


@dataclass(frozen=True)
class Figures:
    """`calls` are those that some delivery makes in some world, each counted once for each world; `ends` the worlds,
    each by its number, in which all that was sent has been delivered; `left` is how many crashes and second deliveries
    there still were in some state.
    """

    states: int
    worlds: int
    calls: int
    ends: frozenset[int]
    left: frozenset[Left]


class Explorer:
    def __init__(self, name: str, history: History) -> None:
        self.unfolding = Unfolding(history)
        self._name = name
        self._roots = self.unfolding.happening.deliveries.roots
        self._askings = Askings(self.unfolding.happening)
        self._apart = Apart(self._askings)
        self._last_act = self.unfolding.last_act
        lefts = {left for c, r in history.most for left in product(range(c + 1), range(r + 1))}
        self._found: dict[Left, dict[State, Reached | None]] = {left: {} for left in sorted(lefts, reverse=True)}
        for most in history.most:
            start = self.unfolding.start
            self._found[most][start] = None
            for left, states in self._doubled(start, most):
                self._found[left] |= dict.fromkeys(states, (start, most))

    def explore(self) -> Figures:
        """All schedules; ViolationError with the schedule that breaks a promise."""
        gc.disable()  # millions of values that all stay
        try:
            for left in self._found:
                self._explore_with(left)
            return self._figures()
        finally:
            self._forget()
            gc.enable()

    def _figures(self) -> Figures:
        happening = self.unfolding.happening
        return Figures(
            states=sum(map(len, self._found.values())),
            worlds=len(happening.worlds),
            calls=len(happening.calls),
            ends=frozenset(self.unfolding.ends),
            left=frozenset([left for left, states in self._found.items() if states]),
        )

    def _forget(self) -> None:
        """Now, since looking for what nobody knows any more among so many values takes seconds."""
        for each in (self._found, self._apart, self._askings, self.unfolding.happening.steps):
            each.clear()

    def _explore_with(self, left: Left) -> None:
        """All states with so much left, once those with more left are known."""
        found, richer = self._found[left], self._richer_than(left)
        for state in [each for each in found if any(each in others for others in richer)]:
            del found[state]
        ahead = list(found)
        while ahead:
            here = ahead.pop(), left
            for still_left, states in self._checked_steps(here):
                if still_left != left:
                    poorer = self._found[still_left]
                    for after in states:
                        poorer.setdefault(after, here)
                    continue
                for after in states:
                    if after not in found and not any(after in others for others in richer):
                        found[after] = here
                        ahead.append(after)

    def _checked_steps(self, here: Reached) -> list[Led]:
        try:
            return self._steps_from(*here)
        except ViolationError as violation:
            schedule = token(self._name, Schedules(self.unfolding), self._way_to(here))
            raise ViolationError(f"{violation}\nschedule: {schedule}") from violation

    def _way_to(self, here: Reached) -> list[Reached]:
        way: list[Reached] = []
        cause: Reached | None = here
        while cause is not None:
            way.append(cause)
            state, left = cause
            cause = self._found[left][state]
        return way[::-1]

    def _richer_than(self, left: Left) -> list[dict[State, Reached | None]]:
        crashes, repeats = left
        return [each for (c, r), each in self._found.items() if (c, r) != left and c >= crashes and r >= repeats]

    def _steps_from(self, state: State, left: Left) -> list[Led]:
        """What it may lead to, by what is left then."""
        act, world, firsts, second = state
        crashes, repeats = left
        under_way = firsts if second is None else (*firsts, second)
        changed: list[State] = []
        killed: list[State] = []
        going_on = len(firsts)
        for place, each in enumerate(under_way):
            change = self._askings[world, each].change
            if change is None:
                going_on -= place < len(firsts)
                continue
            later, after = change
            before = [self._apart[world, later, other] for other in under_way[:place]]
            behind = [self._apart[world, later, other] for other in under_way[place + 1 :]]
            changed += self._states(act, later, product(*before, (after,), *behind), len(firsts))
            if crashes:
                killed += self._states(act, later, product(*before, (self._roots[each],), *behind), len(firsts))
        steps = [(left, changed), ((crashes - 1, repeats), killed)] if crashes else [(left, changed)]
        return steps if going_on else steps + self._next_act(state, left)

    def _states(self, act: int, world: int, stands: Iterable[tuple[int | None, ...]], firsts: int) -> list[State]:
        arranged = self.unfolding.arranged
        if act == self._last_act:
            return [(act, world, arranged[each], None) for each in stands]
        return [(act, world, arranged[each[:firsts]], each[firsts] if each[firsts:] else None) for each in stands]

    def _next_act(self, state: State, left: Left) -> list[Led]:
        act, world, _, second = state
        if act == self._last_act:
            self.unfolding.check_end(world)
            return []
        later, firsts = self.unfolding.begin_next(act, world)
        stands = [None] if second is None else self._apart[world, later, second]
        begun = [self.unfolding.state(act + 1, later, firsts, each) for each in stands]
        return [(left, begun), *self._doubled((act + 1, later, firsts, None), left)]

    def _doubled(self, state: State, left: Left) -> list[Led]:
        """As an act begins, one of its messages is there twice."""
        act, world, firsts, _ = state
        crashes, repeats = left
        if not repeats:
            return []
        return [((crashes, repeats - 1), [self.unfolding.state(act, world, firsts, each) for each in set(firsts)])]
