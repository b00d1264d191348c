"""Start the runs that may start. One dispatcher at a time: its queue is FIFO with one message group."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from heapq import merge

from dropforge.domain.admission import Admit, Circumstances, Delay, Hold, ProjectLoad, decide
from dropforge.domain.announcement import Outcome
from dropforge.domain.errors import DropforgeError
from dropforge.domain.limit_notice import limit_notice
from dropforge.domain.run import DelayCause, Limit, Run, RunRef, RunStatus, WaitingRef
from dropforge.domain.run_events import AttemptIntended, RunDelayed, RunHeld
from dropforge.domain.training_job import job_name
from dropforge.workflow.failures import Failures
from dropforge.workflow.line import in_line
from dropforge.workflow.pause_project import pause_of
from dropforge.workflow.ports import Ports
from dropforge.workflow.recording import record
from dropforge.workflow.room import Room
from dropforge.workflow.start_attempt import Started, park_attempt, start_attempt
from dropforge.workflow.stop_run import withdraw_stopped
from dropforge.workflow.supersede_runs import newest_runs, supersede, supersede_runs

PASSED_OVER = 20
"""How many runs of a project are looked at in one pass behind the first for which there is no room, or no day left."""


class DispatchIncompleteError(DropforgeError):
    """Some runs could not be looked at or started; the message is delivered again, and they are tried anew."""


def dispatch_runs(ports: Ports, ends: datetime | None = None) -> None:
    """One pass: the oldest due runs first, within each project's and the stage's limits; then unfinished starts.

    A run that cannot start now keeps the reason and its place. Of a project that is paused or full, the first run says
    so for all; one that is put off until tomorrow stays the first. At `ends` no further run is looked at: the tick of
    the next minute goes on behind those that have left the line. Starts that an earlier pass did not finish come last.
    What fails for one run is kept until all others had their turn, and raised then: DispatchIncompleteError.
    """
    open_runs = tuple(ports.store.open_runs())
    room = Room(ports, open_runs)
    failures = Failures()
    dispatch = _Pass(ports, room, ends)
    for waiting in dispatch.in_order(in_line(ports.store, ports.clock.now(), dispatch.closed)):
        if dispatch.is_over:
            break
        with failures.kept(f"run {waiting.id}"):
            dispatch.visit(waiting)
    for ref in open_runs:
        if ref.status is RunStatus.STARTING:
            with failures.kept(f"run {ref.id}"):
                dispatch.finish(ref)
    failures.raise_as(DispatchIncompleteError, "not every run could be dispatched, the next pass tries again")


class _Pass:
    """What one pass knows: the places taken, counted on as it admits, and the projects that can take no more.

    It costs a few requests for each run that it starts, delays, holds or supersedes, and for each project that has runs
    waiting or is declared, however many wait behind these.
    """

    def __init__(self, ports: Ports, room: Room, ends: datetime | None) -> None:
        self._ports = ports
        self._room = room
        self._ends = ends
        self._began = ports.clock.now().astimezone(UTC)
        self._loads = {each.name: ports.store.load(each.name, self._began.date()) for each in ports.stage.projects}
        self._newest = {each.name: newest_runs(ports, each) for each in ports.stage.projects}
        self.closed: set[str] = set()
        """Projects of which no further run can start in this pass."""
        self._passed_over: Counter[tuple[str, Limit | None]] = Counter()
        self._midnight = datetime.combine(self._began, time(), UTC)
        for newest in self._newest.values():
            supersede_runs(ports, newest, lambda: self.is_over)

    @property
    def is_over(self) -> bool:
        is_late = self._ends is not None and self._ports.clock.now() >= self._ends
        return is_late or self._room.is_throttled_for_long

    def in_order(self, line: Iterable[WaitingRef]) -> Iterator[WaitingRef]:
        """Before each run of the line those of its project that were asked for earlier and were put off for a day."""
        put_off = dict[str, deque[WaitingRef]]()
        for waiting in line:
            if waiting.project not in self.closed and waiting.project not in put_off:
                put_off[waiting.project] = deque(self._put_off(waiting.project))
            earlier = put_off.get(waiting.project, deque())
            while earlier and _age(earlier[0]) < _age(waiting):
                yield earlier.popleft()
            yield waiting

    def _put_off(self, project: str) -> Iterator[WaitingRef]:
        """Those due exactly at the midnight that was, or that comes; the longest requested first."""
        midnights = (self._midnight, self._midnight + timedelta(days=1))
        return merge(*(self._due_at(project, each) for each in midnights), key=_age)

    def _due_at(self, project: str, due: datetime) -> Iterator[WaitingRef]:
        before_all = WaitingRef("", project, datetime.min.replace(tzinfo=UTC), RunStatus.WAITING, due)
        return self._ports.store.waiting_runs(project, due, after=before_all)

    def visit(self, ref: RunRef) -> None:
        if ref.project in self.closed:
            return
        run = self._ports.store.run(ref.id)
        if run is None or run.status is not RunStatus.WAITING:
            return  # the index was behind
        if withdraw_stopped(self._ports, run) or supersede(self._ports, run, self._newest.get(run.project, ())):
            return
        match self._decide(run):
            case Hold(reason, remedy):
                record(self._ports.store, run, RunHeld(self._ports.clock.now(), Outcome.HELD, reason, remedy))
            case Delay(limit=Limit.RUNS_PER_DAY) as delay:
                self._pass_over(run, delay)  # one behind it that was tried before counts already, and may go on
            case Delay() as delay:
                self.closed.add(run.project)
                self._delay(run, delay)
            case Admit():
                self._admit_or_wait(ref, run)

    def finish(self, ref: RunRef) -> None:
        """A start that an earlier pass, or this one, did not finish. While the project is paused it gets no new job."""
        run = self._ports.store.run(ref.id)
        if run is None or run.status is not RunStatus.STARTING:
            return
        if pause_of(self._ports.store, run.project) is not None:
            park_attempt(self._ports, run)
        elif not self._room.is_throttled:
            start_attempt(self._ports, self._room, run)

    def _decide(self, run: Run) -> Admit | Delay | Hold:
        ports, project = self._ports, self._ports.stage.find_project(run.project)
        if project is None:
            reason = f"the project {run.project} is no longer declared in the stage's config"
            return Hold(reason, f"Declare it again, deploy, and run `dropforge resume {run.project}`.")
        circumstances = Circumstances(
            now=self._began,  # the loads are those of that day, also when midnight passes meanwhile
            pause=pause_of(ports.store, project.name),
            load=self._loads[project.name],
            open_in_stage=sum(load.open_runs for load in self._loads.values()),
            stage_limit=ports.stage.concurrent_runs,
        )
        return decide(run, project, circumstances)

    def _delay(self, run: Run, delay: Delay) -> None:
        """Told once: a run that every minute finds in the same state grows no trail, and costs no request.

        Ops are told of the limit first: cut off in between, the next pass would find nothing new to tell.
        """
        now, before = self._ports.clock.now(), run.waiting
        due = delay.until or _place(run, now)
        if before is not None and (before.due, before.reason) == (due, delay.reason):
            return
        if (notice := limit_notice(run, delay, now, self._began.date())) is not None:
            self._ports.store.put_notice(notice)
        record(self._ports.store, run, RunDelayed(now, due, delay.cause, delay.reason, delay.limit, delay.remedy))

    def _pass_over(self, run: Run, delay: Delay) -> None:
        """Another behind it may start nevertheless. The first that is passed over says so for all."""
        reason = run.project, delay.limit
        self._passed_over[reason] += 1
        if self._passed_over[reason] == 1:
            self._delay(run, delay)
        elif self._passed_over[reason] > PASSED_OVER:
            self.closed.add(run.project)

    def _admit_or_wait(self, ref: RunRef, run: Run) -> None:
        if self._room.is_closed(run):
            reason = f"AWS has no room for another {run.spec.compute.instance_type} now"
            self._pass_over(run, Delay(None, DelayCause.LIMIT, reason))
        elif self._room.is_throttled:
            self._room.wait_out_throttling()
            self.visit(ref)  # it may have been stopped, or its project paused, meanwhile
        else:
            self._admit(run)

    def _admit(self, run: Run) -> None:
        ports, number = self._ports, run.next_attempt
        name = job_name(ports.stage.deployment, run.id, number)
        intended = record(ports.store, run, AttemptIntended(ports.clock.now(), number, name))
        if intended.status is not RunStatus.STARTING:
            return  # somebody else was first
        # As the store has counted it by now: a place, and of a first attempt a start, whatever AWS answers.
        self._count(run, opened=1, started=not run.attempts)
        if start_attempt(ports, self._room, intended) is not Started.YES:
            self._count(run, opened=-1)

    def _count(self, run: Run, *, opened: int, started: bool = False) -> None:
        load = self._loads[run.project]
        self._loads[run.project] = ProjectLoad(load.open_runs + opened, load.started_today + started)


def _place(run: Run, now: datetime) -> datetime:
    """Where a run that is not put off stands in its line: once it was, that is where it stood before."""
    if run.waiting is None:
        return now
    is_put_off = run.waiting.cause is DelayCause.LIMIT and run.waiting.due.astimezone(UTC).time() == time()
    return run.waits_since if is_put_off else run.waiting.due


def _age(ref: RunRef) -> tuple[datetime, str]:
    return ref.requested_at, ref.id
