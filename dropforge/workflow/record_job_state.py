"""Record what has become of a run's job."""

from __future__ import annotations

from decimal import Decimal

from dropforge.domain.announcement import Outcome
from dropforge.domain.errors import DropforgeError
from dropforge.domain.job_request import is_same_job, job_request
from dropforge.domain.run import Attempt, Run, RunResult
from dropforge.domain.run_events import JobStateObserved, RunFinished
from dropforge.domain.training_job import JobDescription, JobStatus, parse_job_name
from dropforge.workflow.ports import Ports
from dropforge.workflow.recording import record

LOG_LINES = 20
LONGEST_LINE = 500
"""A log may hold a line of 256 KB, a record may not."""
_OUTCOMES = {
    JobStatus.COMPLETED: Outcome.COMPLETED,
    JobStatus.FAILED: Outcome.FAILED,
    JobStatus.STOPPED: Outcome.STOPPED,
}


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


def observe(ports: Ports, run: Run) -> Run:
    """Describe the job of the run's latest attempt, and record its state or its end."""
    attempt = run.attempt
    if run.status.is_terminal or attempt is None:
        ports.wakeups.dispatch()  # an earlier delivery may have been cut off before it could
        return run
    job = ports.jobs.describe(attempt.job_name)
    if job is None:
        return _finish(ports, run, _vanished(ports, attempt)) if attempt.has_job else run
    if attempt.job_arn is None and not _is_ours(ports, run, attempt, job):
        return run  # the dispatcher, which intended the name, will find it taken and say so
    if not job.state.status.is_terminal:
        event = JobStateObserved(ports.clock.now(), attempt.number, job.state)
        return record(ports.store, run, event)
    result = _result(ports, run, job)
    return _finish(ports, run, RunFinished(ports.clock.now(), _OUTCOMES[job.state.status], result, job.state))


def _is_ours(ports: Ports, run: Run, attempt: Attempt, job: JobDescription) -> bool:
    """A job is seen whose creation is not written down yet: does it only bear the name?"""
    return is_same_job(job_request(ports.stage.deployment, run, attempt), ports.jobs.tags(job.arn))


def _finish(ports: Ports, run: Run, event: RunFinished) -> Run:
    finished = record(ports.store, run, event)
    ports.wakeups.dispatch()
    return finished


def _vanished(ports: Ports, attempt: Attempt) -> RunFinished:
    reason = f"training job {attempt.job_name} was deleted before its end was recorded: ask for the run again"
    return RunFinished(ports.clock.now(), Outcome.FAILED, RunResult(reason=reason))


def _result(ports: Ports, run: Run, job: JobDescription) -> RunResult:
    return RunResult(
        reason=_reason(run, job),
        metrics=job.metrics,
        model=ports.bucket.model_artifact(job.model_uri) if job.model_uri else None,
        started_at=job.started_at,
        ended_at=job.ended_at,
        billable_seconds=job.billable_seconds,
        cost_usd=_cost(ports, run, job),
        log_tail=tuple(line[:LONGEST_LINE] for line in ports.logs.tail(job.name, LOG_LINES)),
        where=job.where,
        transitions=job.transitions,
    )


def _reason(run: Run, job: JobDescription) -> str | None:
    """A time-out is `Stopped` with the secondary status `MaxRuntimeExceeded`."""
    if job.state.status is not JobStatus.STOPPED:
        return job.failure_reason
    if job.state.secondary == "MaxRuntimeExceeded":
        return f"stopped at its limit of {run.spec.stopping.max_runtime_minutes} minutes (stopping.max_runtime_minutes)"
    return job.failure_reason or "stopped because somebody asked for it"


def _cost(ports: Ports, run: Run, job: JobDescription) -> Decimal | None:
    """Billable time is wall-clock time: each instance is billed for it
    (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html, BillableTimeInSeconds).
    """
    price = ports.stage.price_of(run.spec.compute.instance_type)
    if price is None or job.billable_seconds is None:
        return None
    cost = price * run.spec.compute.instance_count * job.billable_seconds / 3600
    return cost.quantize(Decimal("0.0001"))
