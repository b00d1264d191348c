"""Every schedule of a history: all interleavings of what is under way, with crashes and second deliveries anywhere.

A schedule is a text of one letter a step, `<history>:<steps>`:
    a, b    the act's first or second message makes its next call to the world
    A, B    its function is killed there; the message is delivered again from the start
    0 … 9   a message that was delivered before, counted from the first, is delivered a second time
    x, X    that second delivery makes its next call, as it did its first at once, or is killed
    n       what AWS and people do next happens: the next act

Why so few worlds stand for so many schedules: what can still happen depends on the world, on where each delivery stands
(its message and the replies that it got), and on how many crashes and second deliveries are left, and on nothing else.
So two schedules that lead to equal states have the same futures, and these are looked at once. States are compared
whole, not by a hash; no order of steps is left out; the number of schedules is the number of paths through the states.
A call that meets no other (`Call.meets_nobody`) is made together with the one before it: wherever it stood between the
calls of others, the world and its reply would be the same.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from dropforge.domain.announcement import Announcement
from dropforge.domain.run import RunStatus
from tests.fakes.world import World
from tests.faults.histories import History
from tests.faults.invariants import (
    Moment,
    ViolationError,
    check_last_mail,
    check_lease,
    check_rest,
    check_step,
    check_world,
    require,
)
from tests.faults.rest import come_to_rest
from tests.faults.snapshots import Numbering, clone
from tests.faults.suspension import Call, Done, Message, Reply, next_call

MOST_TRIES = 3
"""How often a function may fail by itself before its message counts as lost; nothing here makes it fail."""


class State(NamedTuple):
    """Numbers of worlds and deliveries; `second` is None when no second delivery is under way."""

    act: int
    world: int
    firsts: tuple[int, ...]
    second: int | None
    delivered: tuple[int, ...]
    crashes: int
    repeats: int


@dataclass(frozen=True)
class Delivery:
    """A message, and what its function has been told so far."""

    message: Message
    root: int
    failures: int = 0
    replies: tuple[Reply, ...] = ()


@dataclass(frozen=True)
class Figures:
    schedules: int
    states: int
    worlds: int
    ends: int


class Explorer:
    def __init__(self, name: str, history: History) -> None:
        self._name = name
        self._history = history
        self._attempted = ""
        self._numbers = Numbering()
        self._worlds: dict[int, World] = {}
        self._deliveries: dict[int, Delivery] = {}
        self._next: dict[int, Call | Done] = {}
        self._effects: dict[tuple[int, int], tuple[Reply, int]] = {}
        self._steps: dict[tuple[int, int], tuple[int, int | None]] = {}
        self._acts: dict[tuple[int, int], tuple[int, tuple[int, ...]]] = {}
        self._rested: set[int] = set()
        self._came_from: dict[State, tuple[State, str]] = {}
        world, firsts = self._begin(0, self._keep(self._history.world()))
        self.start = State(0, world, firsts, None, firsts, history.crashes, history.repeats)

    def explore(self) -> Figures:
        """All schedules; ViolationError with the schedule that breaks a promise."""
        paths: dict[State, int] = {}
        gc.disable()  # millions of values that all stay
        try:
            self._count(paths)
        finally:
            gc.enable()
        return Figures(paths[self.start], len(paths), len(self._worlds), len(self._rested))

    def _count(self, paths: dict[State, int]) -> None:
        ahead: list[tuple[State, list[State] | None]] = [(self.start, None)]
        while ahead:
            state, following = ahead.pop()
            if following is not None:
                paths[state] = sum([paths[each] for each in following]) or 1
            elif state not in paths:
                following = self._following(state)
                ahead.append((state, following))
                ahead.extend([(each, None) for each in following if each not in paths])

    def replay(self, steps: str) -> Iterator[str]:
        """One schedule, a line for each step."""
        state = self.start
        for label in steps:
            doing = self._describe(state, label)
            try:
                state = dict(self._successors(state))[label]
            except KeyError:
                raise ValueError(f"{label!r} is no step that can follow here; {doing}") from None
            yield f"{label}  {doing}"
        if self._is_end(state):
            self._check_end(state)

    def _following(self, state: State) -> list[State]:
        following = []
        label = ""
        try:
            for label, each in self._successors(state):
                self._came_from.setdefault(each, (state, label))
                following.append(each)
            if self._is_end(state):
                label = ""
                self._check_end(state)
        except ViolationError as violation:
            raise ViolationError(f"{violation}\nschedule: {self._token(state, self._attempted)}") from violation
        return following

    def _successors(self, state: State) -> Iterator[tuple[str, State]]:
        yield from self._first_steps(state)
        if state.second is not None:
            yield from self._second_steps(state, state.second)
        elif state.repeats:
            yield from self._second_deliveries(state)
        if not state.firsts and state.act + 1 < len(self._history.acts):
            self._attempted = "n"
            world, firsts = self._begin(state.act + 1, state.world)
            delivered = (*state.delivered, *firsts)
            yield "n", State(state.act + 1, world, firsts, state.second, delivered, state.crashes, state.repeats)
        self._attempted = ""

    def _first_steps(self, state: State) -> Iterator[tuple[str, State]]:
        act, number, under_way, second, delivered, crashes, repeats = state
        for place, each in enumerate(under_way):
            self._attempted = "ab"[place]
            others = under_way[:place] + under_way[place + 1 :]
            world, after = self._step(number, each)
            firsts = others if after is None else tuple(sorted((*others, after)))
            yield "ab"[place], State(act, world, firsts, second, delivered, crashes, repeats)
            if crashes and self._deliveries[each].replies:
                firsts = tuple(sorted((*others, self._again(each))))
                yield "AB"[place], State(act, number, firsts, second, delivered, crashes - 1, repeats)

    def _second_steps(self, state: State, second: int) -> Iterator[tuple[str, State]]:
        act, number, firsts, _, delivered, crashes, repeats = state
        self._attempted = "x"
        world, after = self._step(number, second)
        yield "x", State(act, world, firsts, after, delivered, crashes, repeats)
        if crashes and self._deliveries[second].replies:
            yield "X", State(act, number, firsts, self._again(second), delivered, crashes - 1, repeats)

    def _second_deliveries(self, state: State) -> Iterator[tuple[str, State]]:
        act, number, firsts, _, delivered, crashes, repeats = state
        for place, root in enumerate(delivered):
            self._attempted = str(place)
            world, after = self._step(number, root)
            yield str(place), State(act, world, firsts, after, delivered, crashes, repeats - 1)

    def _is_end(self, state: State) -> bool:
        return not state.firsts and state.second is None and state.act + 1 == len(self._history.acts)

    def _begin(self, act: int, world: int) -> tuple[int, tuple[int, ...]]:
        """AWS and people do their part; the deliveries that follow from it."""
        if (act, world) not in self._acts:
            after = clone(self._worlds[world])
            messages = self._history.acts[act](after)
            roots = tuple(sorted(self._root(each) for each in messages))
            self._acts[act, world] = self._keep(after), roots
        return self._acts[act, world]

    def _root(self, message: Message, failures: int = 0) -> int:
        number = self._numbers.of(("message", message, failures))
        self._deliveries.setdefault(number, Delivery(message, number, failures))
        return number

    def _again(self, delivery: int) -> int:
        return self._deliveries[delivery].root

    def _step(self, world: int, delivery: int) -> tuple[int, int | None]:
        """The delivery makes its next call; the world and the delivery afterwards, None when it is done."""
        if (world, delivery) not in self._steps:
            self._steps[world, delivery] = self._make_step(world, delivery)
        return self._steps[world, delivery]

    def _make_step(self, world: int, delivery: int) -> tuple[int, int | None]:
        delivery, call = self._up_to_a_call(world, delivery)
        if not isinstance(call, Done):
            reply, world = self._effect(world, call)
            delivery, call = self._up_to_a_call(world, self._told(delivery, reply))
        if not isinstance(call, Done):
            return world, delivery
        if call.error is None:
            return world, None
        failed = self._deliveries[delivery]
        require(failed.failures < MOST_TRIES, 1, f"a message was given up: {call.error!r}")
        return world, self._root(failed.message, failed.failures + 1)

    def _up_to_a_call(self, world: int, delivery: int) -> tuple[int, Call | Done]:
        """What meets nobody's calls is no step of its own, and is done as soon as the call before has returned."""
        while True:
            call = self._next.get(delivery)
            if call is None:
                known = self._deliveries[delivery]
                call = self._next[delivery] = next_call(known.message, known.replies, self._worlds[world].ports)
            if isinstance(call, Done) or not call.meets_nobody:
                return delivery, call
            delivery = self._told(delivery, call.make(self._worlds[world].ports))

    def _told(self, delivery: int, reply: Reply) -> int:
        number = self._numbers.of_token((delivery, self._numbers.of(reply)))
        if number not in self._deliveries:
            known = self._deliveries[delivery]
            self._deliveries[number] = replace(known, replies=(*known.replies, reply))
        return number

    def _effect(self, world: int, call: Call) -> tuple[Reply, int]:
        """What the call returns in that world, and the world that it leaves: whoever makes it."""
        key = world, self._numbers.of(call)
        if key not in self._effects:
            before, after = self._worlds[world], clone(self._worlds[world])
            reply = call.make(after.ports)
            self._effects[key] = reply, self._keep(after)
            self._check_effect(before, self._worlds[self._effects[key][1]], reply)
        return self._effects[key]

    def _check_effect(self, before: World, after: World, reply: Reply) -> None:
        if reply.method == "publish" and reply.error is None:
            check_last_mail(after, after.clock.now())
        if isinstance(reply.result, Announcement) and reply.method == "lease_announcement":
            was = before.store.told[reply.result.key]
            check_lease(was, reply.result, before.clock.now())
        if before is not after:
            check_step(Moment.of(before.store), Moment.of(after.store))
            check_world(after)

    def _keep(self, world: World) -> int:
        number = self._numbers.of(world)
        self._worlds.setdefault(number, world)
        return number

    def _check_end(self, state: State) -> None:
        if state.world in self._rested:
            return
        world = clone(self._worlds[state.world])
        come_to_rest(world)
        check_rest(world)
        runs = len(world.store.runs)
        require(runs in self._history.runs, 1, f"there are {runs} runs, and should be {self._history.runs}")
        wanted = sum(run.status is not RunStatus.SUPERSEDED for run in world.store.runs.values())
        require(len(world.jobs.requests) == wanted, 2, f"there are {len(world.jobs.requests)} jobs of {wanted} runs")
        self._rested.add(state.world)

    def _token(self, state: State, last: str) -> str:
        labels = [last]
        while state != self.start:
            state, label = self._came_from[state]
            labels.append(label)
        return f"{self._name}:{''.join(reversed(labels))}"

    def _describe(self, state: State, label: str) -> str:
        if label == "n":
            return f"next: {self._history.acts[state.act + 1].__name__.replace('_', ' ')}"
        if label.isdigit():
            return f"again: {self._subject(state.delivered[int(label)])}"
        delivery = state.second if label in "xX" else state.firsts["ab".index(label.lower())]
        if delivery is None:
            return "no second delivery is under way"
        if label.isupper():
            return f"{self._subject(delivery)} is killed"
        _, call = self._up_to_a_call(state.world, delivery)
        return f"{self._subject(delivery)}: {'ends' if isinstance(call, Done) else call.method}"

    def _subject(self, delivery: int) -> str:
        message = self._deliveries[delivery].message
        return getattr(message, "func", message).__name__
