"""Create the job of an intended attempt, or find that it was created before."""

from __future__ import annotations

from enum import Enum

from dropforge.domain.announcement import Outcome
from dropforge.domain.backoff import backoff
from dropforge.domain.job_request import is_same_job, job_request
from dropforge.domain.run import Attempt, DelayCause, Run, RunResult
from dropforge.domain.run_events import AttemptStarted, RunDelayed, RunEvent, RunFinished, RunHeld
from dropforge.domain.training_job import JobRequest
from dropforge.workflow.ports import BusyError, JobExistsError, NotAllowedError, Ports, QuotaTooLowError, RejectedError
from dropforge.workflow.recording import record
from dropforge.workflow.room import Room
from dropforge.workflow.stop_run import withdraw_stopped


class Started(Enum):
    YES = "yes"
    NO = "no"  # not now: back in line, or nobody waits for it any more
    NEVER = "never"  # held, or failed


def start_attempt(ports: Ports, room: Room, run: Run) -> Started:
    """Create the job under the name that the intent gave it; harmless however often it is repeated.

    Throttling, quota and capacity put the run back in line, later each time, and are remembered in `room`. A quota
    that is less than the job wants by itself blocks it, and so does a role that may not create the job. A request that
    SageMaker rejects fails it. Any other error leaves the intent as it is, for the next pass to go on from. A run that
    somebody stopped meanwhile gets its job all the same, so that none can be created behind our back; the job is then
    stopped.
    """
    attempt = run.attempt
    if attempt is None:
        raise ValueError(f"run {run.id} has no attempt to start")
    request = job_request(ports.stage.deployment, run, attempt)
    try:
        event = _create(ports, attempt, request)
        started = Started.YES if isinstance(event, AttemptStarted) else Started.NEVER
    except BusyError as busy:
        event, started = _back_in_line(ports, room, run, busy), Started.NO
    except QuotaTooLowError as too_low:
        event, started = _blocked_by_quota(ports, run, too_low), Started.NEVER
    except NotAllowedError as denied:
        event, started = _blocked_by_permission(ports, run, denied), Started.NEVER
    except RejectedError as rejected:
        result = RunResult(reason=f"SageMaker rejected the job: {rejected}")
        event = RunFinished(ports.clock.now(), Outcome.FAILED, result, attempt=attempt.number)
        started = Started.NEVER
    after = record(ports.store, run, event)
    if started is Started.YES:
        room.take(after)
        if after.stopping is not None:
            ports.jobs.stop(attempt.job_name)
    else:
        withdraw_stopped(ports, after)
    return started


def park_attempt(ports: Ports, run: Run) -> None:
    """Put an intended run whose project is paused back in line, unless its job is there already: that is recorded."""
    attempt = run.attempt
    if attempt is None:
        raise ValueError(f"run {run.id} has no attempt to park")
    now = ports.clock.now()
    event: RunEvent = RunDelayed(now, now, DelayCause.PAUSED, "paused")
    if ports.jobs.describe(attempt.job_name) is not None:
        event = _adopt(ports, attempt, job_request(ports.stage.deployment, run, attempt))
    after = record(ports.store, run, event)
    if after.stopping is not None and after.status.is_open:
        ports.jobs.stop(attempt.job_name)
    withdraw_stopped(ports, after)


def _back_in_line(ports: Ports, room: Room, run: Run, busy: BusyError) -> RunDelayed:
    note, now = room.refuse(run, throttled=busy.throttled), ports.clock.now()
    due = max(note.until, now + backoff(run.id, run.busy_delays))
    return RunDelayed(now, due, DelayCause.BUSY, f"AWS has no room: {busy}")


def _create(ports: Ports, attempt: Attempt, request: JobRequest) -> RunEvent:
    try:
        arn = ports.jobs.create(request)
    except JobExistsError:
        return _adopt(ports, attempt, request)
    return AttemptStarted(ports.clock.now(), attempt.number, arn)


def _adopt(ports: Ports, attempt: Attempt, request: JobRequest) -> RunEvent:
    """The name is taken: by us, when a start was cut off before it was written down; else by a stranger."""
    there = ports.jobs.describe(request.name)
    if there is None:
        raise JobExistsError(f"{request.name} exists and cannot be described: it will be tried again by itself")
    if is_same_job(request, ports.jobs.tags(there.arn)):
        return AttemptStarted(ports.clock.now(), attempt.number, there.arn)
    reason = f"a training job named {request.name} is in this account already and is not of this deployment"
    remedy = "Delete that job with DeleteTrainingJob, or deploy under another stage name; then resume the project."
    return RunHeld(ports.clock.now(), Outcome.BLOCKED, reason, remedy)


def _blocked_by_quota(ports: Ports, run: Run, too_low: QuotaTooLowError) -> RunHeld:
    instance_type, limit = run.spec.compute.instance_type, too_low.limit
    reason = f"this account may run no {instance_type} for training at all: its quota is 0"
    instead = ""
    if limit > 0:
        reason = (
            f"the job wants {too_low.wanted} instances of {instance_type} at once, and this account's quota is {limit}"
        )
        instead = f"Write compute.instance_count: {limit} or less into dropforge.yaml and push. Or ask"
    return RunHeld(
        at=ports.clock.now(),
        outcome=Outcome.BLOCKED,
        reason=reason,
        remedy=(
            f'{instead or "Ask"} in Service Quotas, for Amazon SageMaker, for a higher "{too_low.quota}", '
            f"then run `dropforge resume {run.project}`."
        ),
    )


def _blocked_by_permission(ports: Ports, run: Run, denied: NotAllowedError) -> RunHeld:
    return RunHeld(
        at=ports.clock.now(),
        outcome=Outcome.BLOCKED,
        reason=f"AWS does not let the function dispatch-runs create the training job: {denied}",
        remedy=(
            "Deploy the stage again, or lift the organization's policy that denies it, "
            f"then run `dropforge resume {run.project}`."
        ),
    )
