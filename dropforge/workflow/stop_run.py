"""End a run because somebody wants it ended."""

from __future__ import annotations

from dropforge.domain.announcement import Outcome
from dropforge.domain.run import Requester, RequesterKind, Run
from dropforge.domain.run_events import WITHOUT_JOB, RunWithdrawn, StopRequested
from dropforge.workflow.find_run import find_run
from dropforge.workflow.ports import Ports
from dropforge.workflow.recording import record


def stop_run(ports: Ports, prefix: str, by: str) -> Run:
    """The run as it then is: ended when it had no job, else stopping, and it ends when its job has.

    A run that has ended stays as it is. Repeated, it asks SageMaker again and records nothing anew. RunNotFoundError.
    """
    run, who = find_run(ports, prefix), Requester(RequesterKind.USER, by)
    if run.status in WITHOUT_JOB:
        run = record(ports.store, run, _withdrawal(ports, who))
    if not run.status.is_terminal:
        run = record(ports.store, run, StopRequested(ports.clock.now(), who))
    if run.status in WITHOUT_JOB:
        # It was open when it was read, and had been put back in line by the time the wish was written down.
        run = record(ports.store, run, _withdrawal(ports, who))
    if run.stopping is not None and run.attempt is not None and run.status.is_open:
        ports.jobs.stop(run.attempt.job_name)
    ports.wakeups.dispatch()
    return run


def withdraw_stopped(ports: Ports, run: Run) -> bool:
    """Whether the run ends here: somebody asked for its end while it was about to get a job, and it got none."""
    if run.stopping is None or run.status not in WITHOUT_JOB:
        return False
    record(ports.store, run, _withdrawal(ports, run.stopping))
    return True


def _withdrawal(ports: Ports, who: Requester) -> RunWithdrawn:
    return RunWithdrawn(ports.clock.now(), Outcome.STOPPED, f"{who.name} asked for it", who)
