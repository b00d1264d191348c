"""Start the runs that may start. One dispatcher at a time: its queue is FIFO with one message group."""

from __future__ import annotations

from dropforge.domain.admission import Admit, Circumstances, Delay, Hold, ProjectLoad, decide
from dropforge.domain.announcement import Outcome
from dropforge.domain.run import Run, RunRef, RunStatus
from dropforge.domain.run_events import AttemptIntended, RunDelayed, RunHeld
from dropforge.domain.training_job import job_name
from dropforge.workflow.pause_project import pause_of
from dropforge.workflow.ports import Ports
from dropforge.workflow.recording import record
from dropforge.workflow.start_attempt import Started, start_attempt


def dispatch_runs(ports: Ports) -> None:
    """One pass: the oldest due runs first, within each project's and the stage's limits; then unfinished starts.

    A run that cannot start now keeps the reason and its place. Of a project that is paused or full, the first run says
    so for all. Starts that an earlier pass did not finish come last, so that one that fails for ever holds up nobody.
    """
    unfinished = [ref for ref in ports.store.open_runs() if ref.status is RunStatus.STARTING]
    dispatch = _Pass(ports)
    for ref in ports.store.waiting_runs(ports.clock.now()):
        dispatch.visit(ref)
        if dispatch.is_over:
            break
    for ref in unfinished:
        run = ports.store.run(ref.id)
        if run is not None and run.status is RunStatus.STARTING:
            start_attempt(ports, run)


class _Pass:
    """What one pass knows: the places taken, counted on as it admits, and the projects that can take no more."""

    def __init__(self, ports: Ports) -> None:
        today = ports.clock.now().date()
        self._ports = ports
        self._loads = {each.name: ports.store.load(each.name, today) for each in ports.stage.projects}
        self._closed: set[str] = set()
        self._throttled = False

    @property
    def is_over(self) -> bool:
        return self._throttled or self._loads.keys() <= self._closed

    def visit(self, ref: RunRef) -> None:
        if ref.project in self._closed:
            return
        run = self._ports.store.run(ref.id)
        if run is None or run.status is not RunStatus.WAITING:
            return  # the index was behind
        match self._decide(run):
            case Hold(reason, remedy):
                record(self._ports.store, run, RunHeld(self._ports.clock.now(), Outcome.HELD, reason, remedy))
            case Delay() as delay:
                self._delay(run, delay)
            case Admit():
                self._admit(run)

    def _decide(self, run: Run) -> Admit | Delay | Hold:
        ports, project = self._ports, self._ports.stage.find_project(run.project)
        if project is None:
            reason = f"the project {run.project} is no longer declared in the stage's config"
            return Hold(reason, f"Declare it again, deploy, and run `dropforge resume {run.project}`.")
        circumstances = Circumstances(
            now=ports.clock.now(),
            pause=pause_of(ports.store, project.name),
            load=self._loads[project.name],
            open_in_stage=sum(load.open_runs for load in self._loads.values()),
            stage_limit=ports.stage.concurrent_runs,
        )
        return decide(run, project, circumstances)

    def _delay(self, run: Run, delay: Delay) -> None:
        """Told once: a run that every minute finds in the same state grows no trail."""
        self._closed.add(run.project)
        now, before = self._ports.clock.now(), run.waiting
        due = delay.until or (before.due if before is not None else now)
        if before is None or (before.due, before.reason) != (due, delay.reason):
            record(self._ports.store, run, RunDelayed(now, due, delay.cause, delay.reason))

    def _admit(self, run: Run) -> None:
        ports, number = self._ports, run.next_attempt
        name = job_name(ports.stage.deployment, run.id, number)
        intended = record(ports.store, run, AttemptIntended(ports.clock.now(), number, name))
        if intended.status is not RunStatus.STARTING:
            return  # somebody else was first
        outcome = start_attempt(ports, intended)
        if outcome is Started.YES:
            load = self._loads[run.project]
            self._loads[run.project] = ProjectLoad(load.open_runs + 1, load.started_today + (not run.attempts))
        elif outcome is Started.NO_ROOM:
            self._closed.add(run.project)
        self._throttled = outcome is Started.THROTTLED
