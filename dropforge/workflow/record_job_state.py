"""Record what has become of a run's job."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from dropforge.domain.announcement import Outcome
from dropforge.domain.backoff import backoff
from dropforge.domain.counting import several
from dropforge.domain.errors import DropforgeError
from dropforge.domain.failure import infrastructure_failure
from dropforge.domain.job_request import is_same_job, job_request
from dropforge.domain.run import Attempt, Requester, Run, RunResult
from dropforge.domain.run_events import AttemptFailed, AttemptStarted, JobStateObserved, RunFinished
from dropforge.domain.training_job import JobDescription, JobStatus, ModelArtifact, parse_job_name
from dropforge.workflow.ports import Ports
from dropforge.workflow.recording import record
from dropforge.workflow.verify_dataset import verify_dataset

LONGEST_HASHING = timedelta(minutes=5)
"""Of the 10 minutes that the sweep has and the 15 of the function that is told of a job."""
LOG_LINES = 20
LONGEST_LINE = 500
"""A log may hold a line of 256 KB, a record may not."""
_OUTCOMES: Final = MappingProxyType(
    {
        JobStatus.COMPLETED: Outcome.COMPLETED,
        JobStatus.FAILED: Outcome.FAILED,
        JobStatus.STOPPED: Outcome.STOPPED,
    }
)


class UnknownRunError(DropforgeError):
    """A job bears a name of this deployment, and no run intended it."""


def record_job_state(ports: Ports, job_name: str) -> Run | None:
    """Somebody says that the job has changed: ask SageMaker how it is and record that. None for a stranger's job.

    The message itself is not believed: messages come twice, late and out of order, the description is as of now.
    """
    named = parse_job_name(ports.stage.deployment, job_name)
    if named is None:
        return None
    run_id, number = named
    run = ports.store.run(run_id)
    if run is None or run.attempt is None or run.attempt.number < number:
        raise UnknownRunError(
            f"training job {job_name} is of no run on record: look who created it, and stop it if nobody needs it"
        )
    return run if run.attempt.number > number else observe(ports, run)


def observe(ports: Ports, run: Run, found_by: Requester | None = None) -> Run:
    """Describe the job of the run's latest attempt, and record its state or its end.

    An end that the infrastructure brought about is followed by another attempt, up to the project's `max_attempts`.
    """
    attempt = run.attempt
    if run.status.is_terminal or attempt is None or attempt.has_ended:
        ports.wakeups.dispatch()  # an earlier delivery may have been cut off before it could
        return run
    job = ports.jobs.describe(attempt.job_name)
    if job is None:
        return _end(ports, run, _vanished(ports, attempt)) if attempt.has_job else run
    if attempt.job_arn is None and not _is_ours(ports, run, attempt, job):
        return run  # the dispatcher, which intended the name, will find it taken and say so
    if attempt.job_arn is None:
        # SageMaker's event was faster than the dispatcher, or that was cut off: its word is written down here.
        run = record(ports.store, run, AttemptStarted(ports.clock.now(), attempt.number, job.arn))
    if not job.state.status.is_terminal:
        return _goes_on(ports, run, attempt, job)
    failure = infrastructure_failure(job)
    if failure is not None and run.stopping is None and run.attempts_made < _attempts_allowed(ports, run):
        return _end(ports, run, _attempt_failed(ports, run, attempt, job, failure))
    outcome, result = _OUTCOMES[job.state.status], _result(ports, run, job)
    ended = RunFinished(ports.clock.now(), outcome, result, job.state, attempt.number, found_by)
    return _end(ports, run, ended)


def _goes_on(ports: Ports, run: Run, attempt: Attempt, job: JobDescription) -> Run:
    if run.stopping is not None and job.state.status is not JobStatus.STOPPING:
        ports.jobs.stop(attempt.job_name)  # whoever asked for it was cut off before they could
    return record(ports.store, run, JobStateObserved(ports.clock.now(), attempt.number, job.state))


def _attempts_allowed(ports: Ports, run: Run) -> int:
    project = ports.stage.find_project(run.project)
    return project.guard_rails.max_attempts if project is not None else 1


def _attempt_failed(ports: Ports, run: Run, attempt: Attempt, job: JobDescription, failure: str) -> AttemptFailed:
    now = ports.clock.now()
    due = now + backoff(attempt.job_name, run.attempts_made - 1)
    return AttemptFailed(now, attempt.number, job.state, failure, due, job.billable_seconds)


def _is_ours(ports: Ports, run: Run, attempt: Attempt, job: JobDescription) -> bool:
    """A job is seen whose creation is not written down yet: does it only bear the name?"""
    return is_same_job(job_request(ports.stage.deployment, run, attempt), ports.jobs.tags(job.arn))


def _end(ports: Ports, run: Run, event: RunFinished | AttemptFailed) -> Run:
    """A place is free again, and somebody may want it."""
    ended = record(ports.store, run, event)
    ports.wakeups.dispatch()
    return ended


def _vanished(ports: Ports, attempt: Attempt) -> RunFinished:
    reason = f"training job {attempt.job_name} was deleted before its end was recorded: ask for the run again"
    return RunFinished(ports.clock.now(), Outcome.FAILED, RunResult(reason=reason), attempt=attempt.number)


def _result(ports: Ports, run: Run, job: JobDescription) -> RunResult:
    billable = _billable_seconds(run, job)
    return RunResult(
        reason=_reason(run, job),
        metrics=job.metrics,
        model=_model(ports, job.model_uri) if job.model_uri else None,
        started_at=job.started_at,
        ended_at=job.ended_at,
        billable_seconds=billable,
        cost_usd=_cost(ports, run, billable),
        log_tail=tuple(line[:LONGEST_LINE] for line in ports.logs.tail(job.name, LOG_LINES)),
        where=job.where,
        transitions=job.transitions,
        moved=verify_dataset(ports, run),
    )


def _model(ports: Ports, uri: str) -> ModelArtifact | None:
    """Without its SHA-256 where hashing takes too long: no model is so large that its run would never end."""
    ends = ports.clock.now() + LONGEST_HASHING
    return ports.bucket.model_artifact(uri, lambda: ports.clock.now() >= ends)


def _reason(run: Run, job: JobDescription) -> str | None:
    """A time-out is `Stopped` with the secondary status `MaxRuntimeExceeded` or `MaxWaitTimeExceeded`."""
    if job.state.status is not JobStatus.STOPPED:
        return job.failure_reason
    if job.state.secondary == "MaxRuntimeExceeded":
        limit = several(run.spec.stopping.max_runtime_minutes, "minute")
        return f"stopped at its limit of {limit} (stopping.max_runtime_minutes)"
    if job.state.secondary == "MaxWaitTimeExceeded":
        limit = several(run.spec.stopping.max_wait_minutes or 0, "minute")
        return f"stopped at its limit of {limit}, the wait for spot included (stopping.max_wait_minutes)"
    by = run.stopping.name if run.stopping is not None else "somebody"
    return job.failure_reason or f"stopped because {by} asked for it"


def _billable_seconds(run: Run, job: JobDescription) -> int | None:
    earlier = sum(each.billable_seconds or 0 for each in run.attempts[:-1])
    return earlier + job.billable_seconds if job.billable_seconds is not None else earlier or None


def _cost(ports: Ports, run: Run, billable_seconds: int | None) -> Decimal | None:
    """Billable time is wall-clock time: each instance is billed for it
    (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html, BillableTimeInSeconds).
    """
    price = ports.stage.price_of(run.spec.compute.instance_type)
    if price is None or billable_seconds is None:
        return None
    cost = price * run.spec.compute.instance_count * billable_seconds / 3600
    return cost.quantize(Decimal("0.0001"))
