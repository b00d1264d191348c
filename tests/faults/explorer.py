"""Every schedule of a history: all interleavings of what is under way, with crashes and second deliveries anywhere.

A schedule is a text of one letter a step, `<history>:<steps>`:
    a, b    the act's first or second message makes its next call to the world
    A, B    the same, and its function is killed then; the message is delivered again from the start
    c … m   a message that was delivered before, counted from the first, is delivered again and makes its first call
    C … M   the same, and its function is killed then
    x, X    that second delivery makes its next call, or does and is killed then
    n       what AWS and people do next happens: the next act

Why so few worlds stand for so many schedules:
- What can still happen depends on the world, on where each delivery stands (its message and the replies that it got),
  and on how many crashes and second deliveries are left, and on nothing else. So two schedules that lead to equal
  states have the same futures, and these are looked at once. States are compared whole, not by a hash.
- A call that meets no other is made together with the one before it: wherever it stood between the calls of others,
  the world and its reply would be the same (`Call.is_unfelt`, and `Call.is_of_its_act` where no act can come between).
- A function is killed right after a call that changed the world, and nowhere else. Whoever is killed later, before it
  changed anything more, lies in its queue as whoever was killed then and was not delivered again until later; and who
  was killed before it changed anything, as who was not delivered until later.
- Of two states that differ only in what is left of crashes and second deliveries, all that follows from the one with
  less left follows from the other too, and the same is checked on the way.
`tests/faults/test_every_schedule.py` shows of small histories that this loses no end.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import TypeAlias

from dropforge.domain.run import RunStatus
from tests.faults.happening import Happening
from tests.faults.histories import History
from tests.faults.invariants import ViolationError, check_rest, require
from tests.faults.rest import come_to_rest

FIRSTS, AGAIN = "abc", "defghijklm"


State: TypeAlias = tuple[int, int, tuple[int, ...], int | None, tuple[int, ...]]
"""The act; the number of the world; those of the deliveries of the act's messages; that of the second delivery that is
under way, or None; and those of all messages that were delivered. A plain tuple: there are millions."""
Left: TypeAlias = tuple[int, int]
"""How many crashes and second deliveries there may still be."""
Step: TypeAlias = tuple[str, State, Left]
"""Its letter, and what it leads to."""
Cause: TypeAlias = tuple[State, Left, str]
"""From where a state was first come to, by which step."""


@dataclass(frozen=True)
class Figures:
    """`ends` are the worlds, each by its number, in which all that was sent has been delivered."""

    states: int
    worlds: int
    ends: frozenset[int]


def _with(deliveries: tuple[int, ...], another: int) -> tuple[int, ...]:
    """In order, so that it does not matter which came first."""
    return tuple(sorted((*deliveries, another))) if deliveries else (another,)


class Explorer:
    def __init__(self, name: str, history: History) -> None:
        self._name = name
        self._history = history
        self._attempted = ""
        self._is_thorough = False
        self._happening = Happening(history.world())
        self._rested: set[int] = set()
        number, firsts = self._happening.begin(history.acts[0], self._happening.first)
        start: State = (0, number, firsts, None, firsts)
        self._starts: list[tuple[State, Left]] = [(start, most) for most in history.most]
        lefts = {left for c, r in history.most for left in product(range(c + 1), range(r + 1))}
        self._found: dict[Left, dict[State, Cause]] = {left: {} for left in sorted(lefts, reverse=True)}
        for most in history.most:
            self._found[most][start] = start, most, ""

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
        return Figures(sum(map(len, self._found.values())), len(self._happening.worlds), frozenset(self._rested))

    def _explore_with(self, left: Left) -> None:
        """All states with so much left, once those with more left are known."""
        found, richer = self._found[left], self._richer_than(left)
        for state in [each for each in found if any(each in others for others in richer)]:
            del found[state]
        ahead = list(found)
        while ahead:
            state = ahead.pop()
            for letter, after, still_left in self._checked_steps(state, left):
                if still_left != left:
                    self._found[still_left].setdefault(after, (state, left, letter))
                elif after not in found:
                    for others in richer:
                        if after in others:
                            break
                    else:
                        found[after] = state, left, letter
                        ahead.append(after)

    def _richer_than(self, left: Left) -> list[dict[State, Cause]]:
        crashes, repeats = left
        return [each for (c, r), each in self._found.items() if (c, r) != left and c >= crashes and r >= repeats]

    def count(self) -> int:
        """How many schedules there are: all paths through all states, with kills after every call."""
        self._is_thorough = True
        paths: dict[tuple[State, Left], int] = {}
        ahead: list[tuple[tuple[State, Left], list[tuple[State, Left]] | None]] = [
            (each, None) for each in self._starts
        ]
        while ahead:
            here, following = ahead.pop()
            if following is not None:
                paths[here] = sum([paths[each] for each in following]) or 1
            elif here not in paths:
                following = [(state, left) for _, state, left in self._checked_steps(*here)]
                ahead.append((here, following))
                ahead.extend([(each, None) for each in following if each not in paths])
        return max(paths[each] for each in self._starts)

    def replay(self, steps: str) -> Iterator[str]:
        """One schedule, a line for each step."""
        state, left = self._starts[0][0], tuple(map(max, zip(*self._history.most, strict=True)))
        for letter in steps:
            doing = self._describe(state, letter)
            following = {name: (after, still_left) for name, after, still_left in self._steps_from(state, left)}
            if letter not in following:
                raise ValueError(f"{letter!r} is no step that can follow here; {doing}")
            state, left = following[letter]
            yield f"{letter}  {doing}"
        if self._is_end(state):
            self._check_end(state)

    def _checked_steps(self, state: State, left: Left) -> list[Step]:
        try:
            steps = self._steps_from(state, left)
            if self._is_end(state):
                self._check_end(state)
        except ViolationError as violation:
            raise ViolationError(f"{violation}\nschedule: {self._token(state, left)}") from violation
        return steps

    def _steps_from(self, state: State, left: Left) -> list[Step]:
        act, world, firsts, second, delivered = state
        steps = self._first_steps(state, left)
        if second is not None:
            steps += self._second_steps(state, left, second, "x")
        elif left[1]:
            for letter, root in zip(AGAIN, delivered, strict=False):
                steps += self._second_steps(state, (left[0], left[1] - 1), root, letter)
        if not firsts and act + 1 < len(self._history.acts):
            self._attempted = "n"
            world, firsts = self._happening.begin(self._history.acts[act + 1], world)
            steps.append(("n", self._among(act + 1, world, firsts, second, (*delivered, *firsts)), left))
        self._attempted = ""
        return steps

    def _first_steps(self, state: State, left: Left) -> list[Step]:
        act, world, under_way, second, delivered = state
        steps: list[Step] = []
        for place, each in enumerate(under_way):
            self._attempted = letter = FIRSTS[place]
            others = under_way[:place] + under_way[place + 1 :]
            world_after, after = self._happening.steps[world, each]
            firsts = others if after is None else _with(others, after)
            steps.append((letter, (act, world_after, firsts, second, delivered), left))
            if left[0] and (world_after != world or self._is_thorough):
                firsts = _with(others, self._happening.roots[each])
                killed = act, world_after, firsts, second, delivered
                steps.append((letter.upper(), killed, (left[0] - 1, left[1])))
        return steps

    def _second_steps(self, state: State, left: Left, second: int, letter: str) -> list[Step]:
        act, world, firsts, _, delivered = state
        self._attempted = letter
        is_last = act + 1 == len(self._history.acts)
        world_after, after = (self._happening.steps if is_last else self._happening.slow_steps)[world, second]
        steps: list[Step] = [(letter, self._among(act, world_after, firsts, after, delivered), left)]
        if left[0] and (world_after != world or self._is_thorough):
            killed = self._among(act, world_after, firsts, self._happening.roots[second], delivered)
            steps.append((letter.upper(), killed, (left[0] - 1, left[1])))
        return steps

    def _among(
        self, act: int, world: int, firsts: tuple[int, ...], second: int | None, delivered: tuple[int, ...]
    ) -> State:
        """In the last act, for whose end nothing waits, a second delivery is one like any other."""
        if second is not None and act + 1 == len(self._history.acts):
            return act, world, _with(firsts, second), None, delivered
        return act, world, firsts, second, delivered

    def _is_end(self, state: State) -> bool:
        act, _, firsts, second, _ = state
        return not firsts and second is None and act + 1 == len(self._history.acts)

    def _check_end(self, state: State) -> None:
        _, number, *_ = state
        if number in self._rested:
            return
        world = self._happening.worlds.back_to(number)
        come_to_rest(world)
        check_rest(world)
        runs = len(world.store.runs)
        require(runs in self._history.runs, 1, f"there are {runs} runs, and should be {self._history.runs}")
        wanted = sum(run.status is not RunStatus.SUPERSEDED for run in world.store.runs.values())
        require(len(world.jobs.requests) == wanted, 2, f"there are {len(world.jobs.requests)} jobs of {wanted} runs")
        self._rested.add(number)

    def _token(self, state: State, left: Left) -> str:
        letters = [self._attempted]
        while (state, left) not in self._starts:
            state, left, letter = self._found[left][state]
            letters.append(letter)
        return f"{self._name}:{''.join(reversed(letters))}"

    def _describe(self, state: State, letter: str) -> str:
        act, world, firsts, second, delivered = state
        if letter == "n":
            return f"next: {self._history.acts[act + 1].__name__.replace('_', ' ')}"
        small = letter.lower()
        places = {**dict(zip(FIRSTS, firsts, strict=False)), **dict(zip(AGAIN, delivered, strict=False)), "x": second}
        delivery = places.get(small)
        if delivery is None:
            return "nothing of that name is under way"
        doing = self._happening.describe(world, delivery)
        return f"{'again, ' * (small in AGAIN)}{doing}{', and is killed' * letter.isupper()}"
