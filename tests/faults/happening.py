"""What happens when a delivery makes its next call in a world: each such step is taken once, and its outcome kept.

A call is made once for all worlds that look the same to its port, which other ports' fakes are no part of.
"""

from __future__ import annotations

from collections.abc import Callable, KeysView

from dropforge.domain.announcement import Announcement
from tests.fakes.world import World
from tests.faults.deliveries import Answers, Asked, Deliveries, Told
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
from tests.faults.numbering import Numbering
from tests.faults.snapshots import Changes, Worlds
from tests.faults.suspension import Call, Done

MOST_TRIES = 3
"""How often a function may fail by itself before its message counts as lost; nothing here makes it fail."""


class Steps(dict[tuple[int, int], tuple[int, int | None]]):
    """Of each world and delivery: the world and the delivery once that made its next call; None when it is done."""

    def __init__(self, make: Callable[[int, int], tuple[int, int | None]]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: tuple[int, int]) -> tuple[int, int | None]:
        self[key] = made = self._make(*key)
        return made


class Happening:
    """Worlds and deliveries go by their numbers. ViolationError from a step or an act that breaks a promise.

    Where all is done `each_anew`, a call is made in each world, and a delivery goes its own way.
    """

    def __init__(self, world: World, numbers: Numbering | None = None, *, each_anew: bool = False) -> None:
        self._numbers = numbers or Numbering()
        self._each_anew = each_anew
        self.worlds = Worlds(world, self._numbers)
        self.deliveries = Deliveries(world.ports, self._numbers, each_anew=each_anew)
        self._effects: dict[tuple[int, int], tuple[Told, int]] = {}
        self._made: dict[tuple[int, tuple[int, ...]], tuple[Told, Changes]] = {}
        self._known_as_sound: set[int] = set()
        self.steps = Steps(self._make_step)
        self._acts: dict[tuple[Act, int], tuple[int, tuple[int, ...]]] = {}

    @property
    def first(self) -> int:
        """The world as it was given."""
        return self.worlds.first

    @property
    def calls(self) -> KeysView[tuple[int, int]]:
        """All that somebody makes, each with each world in which somebody does."""
        return self._effects.keys()

    def anew(self) -> Happening:
        """From the beginning, each call anew, with equal numbers for what is equal; it takes this one's world."""
        return Happening(self.worlds.back_to(self.first), self._numbers, each_anew=True)

    def begin(self, act: Act, world: int) -> tuple[int, tuple[int, ...]]:
        """AWS and people do their part; the world then, and the deliveries that follow from it."""
        if (act, world) not in self._acts:
            messages = act(self.worlds.back_to(world))
            roots = tuple([self.deliveries.root(each) for each in messages])
            self._acts[act, world] = self.worlds.changed_from(world), roots
        return self._acts[act, world]

    def _make_step(self, world: int, delivery: int) -> tuple[int, int | None]:
        delivery, call = self._up_to_a_call(world, delivery)
        if not isinstance(call, Done):
            told, world = self._effect(world, call)
            delivery, call = self._up_to_a_call(world, self.deliveries.tell(delivery, told))
        if not isinstance(call, Done):
            return world, delivery
        if call.error is None:
            return world, None
        failed = self.deliveries[delivery]
        require(failed.failures < MOST_TRIES, 1, f"a message was given up: {call.error!r}")
        return world, self.deliveries.root(failed.message, failed.failures + 1)

    def _up_to_a_call(self, world: int, delivery: int) -> tuple[int, Asked | Done]:
        """What nobody feels is no step of its own, and is done as soon as the call before has returned."""
        while True:
            if delivery not in self.deliveries.next:
                self.deliveries.go_on(delivery, self._answers_from(world))
            delivery, asked = self.deliveries.next[delivery]
            if isinstance(asked, Done) or not asked.call.is_unfelt:
                return delivery, asked
            delivery = self.deliveries.tell(delivery, self._effect(world, asked)[0])

    def _answers_from(self, world: int) -> Answers:
        """What calls return there, one after the other, if nobody comes in between, as some schedule has it."""

        def answer(asked: Asked) -> Told | None:
            nonlocal world
            try:
                told, world = self._effect(world, asked)
            except ViolationError:
                return None  # it is met again by the schedule that comes here
            return told

        return answer

    def _effect(self, world: int, asked: Asked) -> tuple[Told, int]:
        """What the call returns in that world, and the world that it leaves: whoever makes it."""
        key = world, asked.number
        if key not in self._effects:
            told, after = self._make(world, asked.call) if self._each_anew else self._as_made(world, asked)
            self._effects[key] = told, self._checked(after)
        return self._effects[key]

    def _as_made(self, world: int, asked: Asked) -> tuple[Told, int]:
        """As it was in another world that looks the same to its port, if there was one."""
        port = asked.call.port
        what_counts = asked.number, self.worlds.seen_by(port, world)
        if what_counts not in self._made:
            told, after = self._make(world, asked.call)
            self._made[what_counts] = told, self.worlds.changes_by(port, world, after)
            return told, after
        told, changes = self._made[what_counts]
        return told, self.worlds.with_changes(world, changes)

    def _make(self, world: int, call: Call) -> tuple[Told, int]:
        live = self.worlds.back_to(world)
        before = Moment.of(live.store)
        reply = call.make(live.ports)
        after = self.worlds.changed_from(world)
        now = live.clock.now()
        if call.method == "publish" and reply.error is None:
            check_last_mail(live, now)
        if isinstance(reply.result, Announcement) and call.method == "lease_announcement":
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
        message = self.deliveries[delivery].message
        return str(getattr(message, "func", message).__name__)
