"""`python -m tests.faults.burst [OBJECTS]`: many objects at once, each of which is to be trained on, and little room.

30% of CreateTrainingJob is throttled, eight jobs may run at once, some events come twice; the clock is virtual. Queues
are played as they are on AWS: at least once, in any order, the dispatcher one at a time and woken once for many calls.
"""

from __future__ import annotations

import heapq
import random
import sys
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count, islice

from dropforge.domain.announcement import Announcement, AnnouncementKey, AnnouncementState
from dropforge.domain.project import GuardRails, SealMode, SealPolicy
from dropforge.domain.run import Run, RunRef, RunStatus, WaitingRef
from dropforge.domain.run_events import RunEvent
from dropforge.domain.trail import TrailEntry, verify
from dropforge.domain.training_job import JobDescription, JobRequest
from dropforge.workflow.accept_drop import accept_drop
from dropforge.workflow.announce import announce
from dropforge.workflow.dispatch_runs import dispatch_runs
from dropforge.workflow.ports import BusyError, Ports
from dropforge.workflow.record_job_state import record_job_state
from dropforge.workflow.seal_dataset import seal_dataset, wake_due_seals
from dropforge.workflow.sweep import sweep
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.memory_jobs import JobEnd, MemoryJobs
from tests.fakes.memory_store import MemoryStore, waiting_ref
from tests.fakes.world import DIGITS, ManualClock, World, stage_of

QUOTA = 8
THROTTLED = 0.3
JOB_SECONDS = 60
TWICE = 0.1
LATEST = 2
"""Seconds: more than ten times what S3 and EventBridge were measured to take."""
OBJECTS = 10_000
BURST = replace(
    DIGITS,
    seal=SealPolicy(SealMode.OBJECT),
    guard_rails=GuardRails(concurrent_runs=10**6, runs_per_day=10**6),
)


@dataclass(frozen=True)
class Figures:
    objects: int
    runs: int
    completed: int
    jobs: int
    creations: int
    throttled: int
    no_room: int
    describes: int
    mails: int
    hours: float
    """Of virtual time."""

    @property
    def least_hours(self) -> float:
        """With every place taken all the time."""
        return self.objects * JOB_SECONDS / QUOTA / 3600

    def __str__(self) -> str:
        return (
            f"{self.objects:,} objects in {self.hours:.1f} h, and {self.least_hours:.1f} h is the least: "
            f"{self.runs:,} runs, {self.completed:,} completed, {self.jobs:,} jobs; "
            f"{self.objects - self.completed} lost, {self.jobs - self.runs} doubled. "
            f"CreateTrainingJob {self.creations:,} times ({self.creations / self.jobs:.2f} a job): "
            f"{self.throttled:,} throttled, {self.no_room:,} without room. "
            f"DescribeTrainingJob {self.describes:,} times, no List; {self.mails:,} mails."
        )


class NarrowJobs(MemoryJobs):
    """Throttles by chance."""

    def __init__(self, clock: ManualClock, bucket: MemoryBucket, chance: random.Random) -> None:
        super().__init__(clock, bucket)
        self.quota = {"ml.m5.large": QUOTA}
        self.refusals: Counter[str] = Counter()
        self.describes = 0
        self.begun: list[str] = []
        self.created: list[tuple[str, datetime]] = []
        """Of whose end nobody has thought yet, and when they were."""
        self._chance = chance

    def create(self, job: JobRequest) -> str:
        if self._chance.random() < THROTTLED:
            self.creations += 1
            self.refusals["throttled"] += 1
            raise BusyError("Rate exceeded", throttled=True)
        try:
            arn = super().create(job)
        except BusyError:
            self.refusals["no room"] += 1
            raise
        self.begun.append(job.name)
        self.created.append((job.name, self._clock.now()))
        return arn

    def describe(self, name: str) -> JobDescription | None:
        self.describes += 1
        return super().describe(name)

    def running(self) -> list[str]:
        """Jobs end in the order in which they began."""
        self.begun = [name for name in self.begun if not self.descriptions[name].state.status.is_terminal]
        return list(self.begun)


class Told(dict[AnnouncementKey, Announcement]):
    """Announcements, and which of them are pending, and new in the table's stream."""

    def __init__(self) -> None:
        super().__init__()
        self.streamed: list[AnnouncementKey] = []
        self.pending: dict[AnnouncementKey, None] = {}

    def __setitem__(self, key: AnnouncementKey, told: Announcement) -> None:
        if key not in self:
            self.streamed.append(key)
        super().__setitem__(key, told)
        self.pending.pop(key, None)
        if told.state is AnnouncementState.PENDING:
            self.pending[key] = None


class IndexedStore(MemoryStore):
    """The same store with the indexes that its tables have: it is asked ten thousand times about ten thousand runs."""

    def __init__(self) -> None:
        super().__init__()
        self.told: Told = Told()
        self._line: list[tuple[datetime, datetime, str]] = []
        self._order: list[tuple[datetime, str]] = []
        """Runs as they were asked for."""
        self._open: dict[str, None] = {}
        self._trail_of: dict[str, list[TrailEntry]] = {}

    def commit(self, before: Run | None, event: RunEvent) -> Run:
        run = super().commit(before, event)
        if run is before:
            return run
        if before is None:
            insort(self._order, (run.requested_at, run.id))
        elif before.waiting is not None:
            del self._line[bisect_left(self._line, (before.waiting.due, before.requested_at, before.id))]
        if run.waiting is not None:
            insort(self._line, (run.waiting.due, run.requested_at, run.id))
        self._open.pop(run.id, None)
        if run.status.is_open:
            self._open[run.id] = None
        self._trail_of.setdefault(run.id, []).append(self.trails[run.id, run.trail.sequence])
        return run

    @property
    def is_idle(self) -> bool:
        return not (self._line or self._open or self.told.pending)

    def trail(self, run_id: str) -> tuple[TrailEntry, ...]:
        return tuple(self._trail_of[run_id])

    def first_in_line(self, due_by: datetime) -> tuple[WaitingRef, ...]:
        return tuple(islice(self.waiting_runs(BURST.name, due_by), 1))

    def waiting_runs(self, project: str, due_by: datetime, after: WaitingRef | None = None) -> Iterator[WaitingRef]:
        assert project == BURST.name, "the line is kept of one project alone"
        line = self._line if after is None else self._line[bisect_right(self._line, after.place) :]
        for due, _, run_id in tuple(line):
            if due > due_by:
                return
            yield waiting_ref(self.runs[run_id])

    def open_runs(self) -> Iterator[RunRef]:
        return iter([self._ref(run_id) for run_id in self._open])

    def runs_of_project(self, project: str, limit: int, before: RunRef | None = None) -> tuple[Run, ...]:
        assert project == BURST.name, "the order is kept of one project alone"
        end = len(self._order) if before is None else bisect_left(self._order, (before.requested_at, before.id))
        return tuple(self.runs[run_id] for _, run_id in reversed(self._order[max(end - limit, 0) : end]))

    def pending_announcements(self) -> tuple[Announcement, ...]:
        return tuple(self.told[key] for key in self.told.pending)

    def _ref(self, run_id: str) -> RunRef:
        run = self.runs[run_id]
        return RunRef(run.id, run.project, run.requested_at, run.status)


class Burst:
    """Everything that happens, in the order of its time."""

    def __init__(self, objects: int, seed: int = 0) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - chance, not a secret
        world = World(stage_of(BURST, concurrent_runs=10**6))
        self.store = IndexedStore()
        self.jobs = NarrowJobs(world.clock, world.bucket, self._chance)
        world.ports = replace(world.ports, store=self.store, jobs=self.jobs, logs=self.jobs)
        world.store, world.jobs = self.store, self.jobs
        self.world = world
        self._objects = objects
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._numbers = count()
        self._pass_is_due = False

    def play(self) -> Figures:
        began = self.world.clock.now()
        self.world.push()
        for number in range(self._objects):
            listed = self.world.bucket.put(f"digits/{number:05}", f"content of {number}".encode())
            self._tell(partial(accept_drop, drop=self.world.told_of(listed)))
        self._in(60, self._tick)
        self._in(900, self._sweep)
        while self._is_unfinished():
            at, _, deed = heapq.heappop(self._agenda)
            self.world.clock.time = max(at, self.world.clock.time)  # a pass may have waited beyond it
            deed()
        return self._figures(began)

    def _is_unfinished(self) -> bool:
        return len(self.jobs.requests) < self._objects or not self.store.is_idle

    def _in(self, seconds: float, deed: Callable[[], None]) -> None:
        self._at(self.world.clock.now() + timedelta(seconds=seconds), deed)

    def _at(self, moment: datetime, deed: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (moment, next(self._numbers), deed))

    def _tell(self, message: Callable[[Ports], object]) -> None:
        """A message arrives late, and one in ten comes once more."""
        self._in(self._chance.uniform(0, LATEST), partial(self._deliver, message))
        if self._chance.random() < TWICE:
            self._in(self._chance.uniform(0, 600), partial(self._deliver, message))

    def _deliver(self, message: Callable[[Ports], object]) -> None:
        message(self.world.ports)
        self._forward()

    def _forward(self) -> None:
        wakeups = self.world.wakeups
        if wakeups.dispatches and not self._pass_is_due:
            self._pass_is_due = True
            self._in(1, self._dispatch)
        wakeups.dispatches = 0
        woken, wakeups.sealed_alone = wakeups.sealed_alone, []
        wakeups.seals.clear()
        for of in woken:
            self._tell(partial(seal_dataset, project_name=BURST.name, of=of))
        while self.jobs.created:
            name, began = self.jobs.created.pop()
            self._at(began + timedelta(seconds=JOB_SECONDS), partial(self._end, name))
        while self.store.told.streamed:
            self._tell(partial(announce, key=self.store.told.streamed.pop()))

    def _dispatch(self) -> None:
        self._pass_is_due = False
        self._deliver(dispatch_runs)

    def _end(self, name: str) -> None:
        self.jobs.end(name, JobEnd())
        self._tell(partial(record_job_state, job_name=name))

    def _tick(self) -> None:
        self._deliver(wake_due_seals)
        self._deliver(dispatch_runs)
        self._in(60, self._tick)

    def _sweep(self) -> None:
        self._deliver(sweep)
        self._in(900, self._sweep)

    def _figures(self, began: datetime) -> Figures:
        runs = self.store.runs.values()
        for run in runs:
            verify(self.store.trail(run.id), run.trail)
        return Figures(
            objects=self._objects,
            runs=len(runs),
            completed=sum(run.status is RunStatus.COMPLETED for run in runs),
            jobs=len(self.jobs.requests),
            creations=self.jobs.creations,
            throttled=self.jobs.refusals["throttled"],
            no_room=self.jobs.refusals["no room"],
            describes=self.jobs.describes,
            mails=len(self.world.mailbox.mails),
            hours=(self.world.clock.now() - began).total_seconds() / 3600,
        )


if __name__ == "__main__":
    sys.stdout.write(f"{Burst(int(sys.argv[1]) if len(sys.argv) > 1 else OBJECTS).play()}\n")
