"""Seal timers, and what pinned keys are bound to, in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dropforge.domain.dataset import Checksum
from dropforge.domain.drop import ObjectDropped, ObjectRef
from dropforge.domain.head import SealTimer
from dropforge.domain.pinning import Binding, Pin, fits
from dropforge.workflow.ports import MOST_DUE


def _in_order(found: tuple[datetime, SealTimer]) -> tuple[datetime, str, str]:
    due, timer = found
    return due, timer.project, f"{timer.of}"


@dataclass(frozen=True)
class Hold:
    revision: int
    holder: str
    until: datetime


class MemorySealing:
    """Implements `ports.SealTimers` and `ports.Pools`."""

    def __init__(self) -> None:
        self.timers: dict[str, SealTimer] = {}
        self.object_timers: dict[tuple[str, ObjectRef], SealTimer] = {}
        self.holds: dict[tuple[str, ObjectRef | None], Hold] = {}
        self.pools: dict[tuple[str, str], int] = {}
        self.bindings: dict[str, Binding] = {}

    def touch_seal(self, project: str, by: str, at: datetime, due: datetime) -> SealTimer:
        before = self.timers.get(project)
        if before and before.last_drop_at > at:
            at, by = before.last_drop_at, before.last_drop_by
        self.timers[project] = SealTimer(project, self._count(project), at, by, due)
        return self.timers[project]

    def touch_object(self, project: str, drop: ObjectDropped, due: datetime) -> SealTimer:
        before, count = self.timers.get(project), self._count(project)
        self.timers[project] = SealTimer(project, count, due, drop.by, before.due if before else None)
        timer = SealTimer(project, count, due, drop.by, due, drop.ref)
        return self.object_timers.setdefault((project, drop.ref), timer)

    def seal_timer(self, project: str, of: ObjectRef | None = None) -> SealTimer | None:
        return self.timers.get(project) if of is None else self.object_timers.get((project, of))

    def hold_seal(self, timer: SealTimer, holder: str, now: datetime, until: datetime) -> bool:
        stored, hold = self.seal_timer(timer.project, timer.of), self._hold(timer, now)
        if stored is None or stored.due is None or stored.revision != timer.revision:
            return False
        if hold is not None and hold.holder != holder:
            return False
        self.holds[timer.project, timer.of] = Hold(timer.revision, holder, until)
        return True

    def release_seal(self, timer: SealTimer) -> None:
        hold = self.holds.get((timer.project, timer.of))
        if hold is not None and hold.revision == timer.revision:
            del self.holds[timer.project, timer.of]

    def clear_seal(self, timer: SealTimer) -> bool:
        stored = self.seal_timer(timer.project, timer.of)
        if stored is None or stored.revision != timer.revision:
            return False
        if timer.of is None:
            self.timers[timer.project] = replace(stored, due=None)
        else:
            self.object_timers[timer.project, timer.of] = replace(stored, due=None)
        return True

    def due_seals(self, due_by: datetime, projects: Collection[str] | None = None) -> tuple[SealTimer, ...]:
        timers = [*self.timers.values(), *self.object_timers.values()]
        timers = [each for each in timers if projects is None or each.project in projects]
        due = [(each.due, each) for each in timers if each.due is not None and each.due <= due_by]
        free = [(time, each) for time, each in due if self._hold(each, due_by) is None]
        return tuple(each for _, each in sorted(free, key=_in_order)[:MOST_DUE])

    def _hold(self, timer: SealTimer, now: datetime) -> Hold | None:
        hold = self.holds.get((timer.project, timer.of))
        return hold if hold is not None and hold.revision == timer.revision and hold.until > now else None

    def _count(self, project: str) -> int:
        before = self.timers.get(project)
        return before.revision + 1 if before else 1

    def pool(self, project: str, channel: str) -> int:
        return self.pools.get((project, channel), 0)

    def next_pool(self, project: str, channel: str, after: int) -> int:
        if self.pool(project, channel) == after:
            self.pools[project, channel] = after + 1
        return self.pool(project, channel)

    def bind(self, pins: Sequence[Pin]) -> Mapping[str, Binding]:
        found = {pin.to_key: self.bindings[pin.to_key] for pin in pins if pin.to_key in self.bindings}
        if fits(pins, found):
            found = {pin.to_key: self.bindings.setdefault(pin.to_key, Binding(pin.listed)) for pin in pins}
        return found

    def record_copies(self, copies: Sequence[tuple[Pin, Checksum]]) -> None:
        for pin, checksum in copies:
            self.bindings[pin.to_key] = Binding(pin.listed, checksum)
