"""What happens when a delivery makes its next call in a world: each such step is taken once, and its outcome kept.

A call is made once for all worlds that look the same to its port, which other ports' fakes are no part of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from dropforge.domain.announcement import Announcement
from tests.fakes.world import World
from tests.faults.histories import Act
from tests.faults.invariants import (
    Moment,
    ViolationError,
    check_last_mail,
    check_lease,
    check_step,
    check_world,
    require,
)
from tests.faults.snapshots import Changes, Numbering, Worlds
from tests.faults.suspension import Call, Done, Message, Rehearsal, Reply, Suspended

MOST_TRIES = 3
"""How often a function may fail by itself before its message counts as lost; nothing here makes it fail."""


@dataclass(frozen=True)
class Delivery:
    """A message, and what its function has been told so far."""

    message: Message
    failures: int = 0
    replies: tuple[Reply, ...] = ()


@dataclass(frozen=True)
class Asked:
    call: Call
    number: int


@dataclass(frozen=True)
class Told:
    reply: Reply
    number: int


class Steps(dict[tuple[int, int], tuple[int, int | None]]):
    """Of each world and delivery: the world and the delivery once that made its next call; None when it is done."""

    def __init__(self, make: Callable[[int, int], tuple[int, int | None]]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: tuple[int, int]) -> tuple[int, int | None]:
        self[key] = made = self._make(*key)
        return made


class Happening:
    """Worlds and deliveries go by their numbers. ViolationError from a step or an act that breaks a promise."""

    def __init__(self, world: World) -> None:
        self._numbers = Numbering()
        self.worlds = Worlds(world, self._numbers)
        self._rehearsal = Rehearsal(world.ports)
        self._deliveries: dict[int, Delivery] = {}
        self._next: dict[int, Asked | Done] = {}
        self._effects: dict[tuple[int, int], tuple[Told, int]] = {}
        self._made: dict[tuple[int, tuple[int, ...]], tuple[Told, Changes]] = {}
        self._known_as_sound: set[int] = set()
        self.steps = Steps(self._make_step)
        self.roots: dict[int, int] = {}
        """Of each delivery the same message, delivered again from the start."""
        self._acts: dict[tuple[Act, int], tuple[int, tuple[int, ...]]] = {}

    @property
    def first(self) -> int:
        """The world as it was given."""
        return self.worlds.first

    @property
    def calls(self) -> int:
        """How many there were, each counted once for each world in which somebody makes it."""
        return len(self._effects)

    def begin(self, act: Act, world: int) -> tuple[int, tuple[int, ...]]:
        """AWS and people do their part; the world then, and the deliveries that follow from it."""
        if (act, world) not in self._acts:
            messages = act(self.worlds.back_to(world))
            roots = tuple([self._root(each) for each in messages])
            self._acts[act, world] = self.worlds.changed_from(world), roots
        return self._acts[act, world]

    def _root(self, message: Message, failures: int = 0) -> int:
        number = self._numbers.of(("message", message, failures))
        self._deliveries.setdefault(number, Delivery(message, failures))
        self.roots[number] = number
        return number

    def _make_step(self, world: int, delivery: int) -> tuple[int, int | None]:
        delivery, call = self._up_to_a_call(world, delivery)
        if not isinstance(call, Done):
            told, world = self._effect(world, call)
            delivery, call = self._up_to_a_call(world, self._tell(delivery, told))
        if not isinstance(call, Done):
            return world, delivery
        if call.error is None:
            return world, None
        failed = self._deliveries[delivery]
        require(failed.failures < MOST_TRIES, 1, f"a message was given up: {call.error!r}")
        return world, self._root(failed.message, failed.failures + 1)

    def _up_to_a_call(self, world: int, delivery: int) -> tuple[int, Asked | Done]:
        """What nobody feels is no step of its own, and is done as soon as the call before has returned."""
        while True:
            if delivery not in self._next:
                self._go_on(world, delivery)
            asked = self._next[delivery]
            if isinstance(asked, Done) or not asked.call.is_unfelt:
                return delivery, asked
            delivery = self._tell(delivery, self._effect(world, asked)[0])

    def _go_on(self, world: int, delivery: int) -> None:
        """Learn which call is next, and, since some schedule makes them, all that follow if nobody comes in between."""

        def onward(call: Call) -> Reply:
            nonlocal world, delivery
            self._next[delivery] = asked = Asked(call, self._numbers.of(call))
            try:
                told, world = self._effect(world, asked)
            except ViolationError:
                raise Suspended from None  # it is met again by the schedule that comes here
            delivery = self._tell(delivery, told)
            return told.reply

        known = self._deliveries[delivery]
        done = self._rehearsal.run(known.message, known.replies, onward)
        if done is not None:
            self._next[delivery] = done

    def _tell(self, delivery: int, told: Told) -> int:
        number = self._numbers.of_token((delivery, told.number))
        if number not in self._deliveries:
            known = self._deliveries[delivery]
            self._deliveries[number] = replace(known, replies=(*known.replies, told.reply))
            self.roots[number] = self.roots[delivery]
        return number

    def _effect(self, world: int, asked: Asked) -> tuple[Told, int]:
        """What the call returns in that world, and the world that it leaves: whoever makes it."""
        key = world, asked.number
        if key not in self._effects:
            what_counts = asked.number, self.worlds.seen_by(asked.call.port, world)
            if what_counts not in self._made:
                told, after = self._make(world, asked.call)
                self._made[what_counts] = told, self.worlds.changes_by(asked.call.port, world, after)
            told, changes = self._made[what_counts]
            self._effects[key] = told, self._checked(self.worlds.with_changes(world, changes))
        return self._effects[key]

    def _make(self, world: int, call: Call) -> tuple[Told, int]:
        live = self.worlds.back_to(world)
        before = Moment.of(live.store)
        reply = call.make(live.ports)
        after = self.worlds.changed_from(world)
        now = live.clock.now()
        if reply.method == "publish" and reply.error is None:
            check_last_mail(live, now)
        if isinstance(reply.result, Announcement) and reply.method == "lease_announcement":
            check_lease(before.told[reply.result.key], reply.result, now)
        check_step(before, Moment.of(live.store))
        return Told(reply, self._numbers.of(reply)), after

    def _checked(self, world: int) -> int:
        if world not in self._known_as_sound:
            check_world(self.worlds.back_to(world))
            self._known_as_sound.add(world)
        return world

    def describe(self, world: int, delivery: int) -> str:
        """What its next step is, in words."""
        _, asked = self._up_to_a_call(world, delivery)
        return f"{self.name(delivery)}: {'ends' if isinstance(asked, Done) else asked.call.method}"

    def name(self, delivery: int) -> str:
        message = self._deliveries[delivery].message
        return str(getattr(message, "func", message).__name__)
