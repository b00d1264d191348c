"""What goes wrong at a call, by chance: the same seed, the same mishaps."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from dropforge.domain.announcement import Announcement
from dropforge.workflow.ports import BusyError, Clock, Ports
from tests.fakes.interruption import CutOff
from tests.fakes.world import World
from tests.faults.invariants import ViolationError, check_last_mail, check_lease

THROTTLED = "Rate exceeded"
SPENT = "ResourceLimitExceeded: the account-level service limit is in use"
BUSY_PORTS = {("jobs", "create"), ("pipelines", "start_rebuild")}
"""Where AWS's having no room is a reply that the use case understands."""
WATCHED = {"lease_announcement", "publish"}
"""Methods of which each call is checked, not only what they leave."""


@dataclass
class WrongClock:
    """What functions take for the time, while AWS dates its objects, images and jobs by the right one."""

    right: Clock
    off: timedelta = timedelta()

    def now(self) -> datetime:
        return self.right.now() + self.off

    def wait(self, length: timedelta) -> None:
        self.right.wait(length)


@dataclass
class Storm:
    """`strength` is the chance that a call meets a mishap; 0 once events have stopped."""

    world: World
    chance: random.Random
    strength: float
    meanwhile: Callable[[], None]
    """Deliver something else at this very moment."""
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.clock = WrongClock(self.world.clock)
        self.violation: ViolationError | None = None
        """The first: a use case that takes one failure after the other to heart must not swallow it."""
        self._excused: set[int] = set()
        """Places of mails that another may follow: SNS never answered, or somebody saw that their lease had run out."""
        self.ports = self._around(self.world.ports)
        """What every delivery is given."""

    def _around(self, ports: Ports) -> Ports:
        outside: dict[str, Any] = {
            each.name: _StormyPort(each.name, getattr(ports, each.name), self)
            for each in fields(ports)
            if each.name not in {"stage", "clock"}
        }
        return replace(ports, clock=self.clock, **outside)

    def call(self, port: str, method: str, call: Callable[[], object]) -> object:
        if self.chance.random() >= self.strength:
            return self._watched(method, call) if method in WATCHED else call()
        kind = self.chance.choice(["killed before", "killed after", "lost", "timed out", "busy", "meanwhile", "slow"])
        self.log.append(f"    {method}: {kind}")
        self._before(kind, port, method)
        result = self._watched(method, call)
        if kind == "killed after":
            raise CutOff
        if kind == "timed out":
            if method == "publish":
                self._excused.add(len(self.world.mailbox.mails) - 1)
            raise TimeoutError(f"{method} was never answered, and had its effect")
        return result

    def _before(self, kind: str, port: str, method: str) -> None:
        match kind:
            case "killed before":
                raise CutOff
            case "lost":
                raise ConnectionError(f"{method} was never answered, and had no effect")
            case "busy" if (port, method) in BUSY_PORTS:
                throttled = self.chance.random() < 0.5
                raise BusyError(THROTTLED if throttled else SPENT, throttled=throttled)
            case "meanwhile":
                self.meanwhile()
            case "slow":
                self.world.clock.pass_by(seconds=self.chance.choice([1, 59, 61, 400]))

    def _watched(self, method: str, call: Callable[[], object]) -> object:
        before = dict(self.world.store.told) if method == "lease_announcement" else {}
        now = self.clock.now()
        result = call()
        try:
            if method == "publish":
                check_last_mail(self.world, now, self._excused)
            if method == "lease_announcement" and isinstance(result, Announcement):
                check_lease(before[result.key], result, now)
                self._excuse_senders_with(before[result.key])
        except ViolationError as violation:
            self.violation = self.violation or violation
        return result

    def _excuse_senders_with(self, lease: Announcement) -> None:
        """It ran out by the clock of then, whatever a clock that is set back says later."""
        if lease.leased_until is not None:
            mails = enumerate(self.world.mailbox.mails)
            self._excused |= {place for place, (_, sent) in mails if sent == lease}


class _StormyPort:
    def __init__(self, name: str, port: object, storm: Storm) -> None:
        self._name = name
        self._port = port
        self._storm = storm

    def __getattr__(self, method: str) -> object:
        member = getattr(self._port, method)
        if not callable(member):
            return member

        def call(*arguments: object, **named: object) -> object:
            return self._storm.call(self._name, method, partial(member, *arguments, **named))

        self.__dict__[method] = call
        return call
