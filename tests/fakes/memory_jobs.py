"""SageMaker training jobs in memory: names are taken for ever, room is limited, and jobs end when a test says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from dropforge.domain.training_job import JobDescription, JobRequest, JobState, JobStatus
from dropforge.workflow.ports import (
    BusyError,
    Clock,
    JobExistsError,
    LogPart,
    NotAllowedError,
    QuotaTooLowError,
    RejectedError,
)
from tests.fakes.memory_bucket import MemoryBucket


@dataclass(frozen=True)
class JobEnd:
    """How a job ends: what it printed, and the model that it leaves (none when None)."""

    status: JobStatus = JobStatus.COMPLETED
    secondary: str = "Completed"
    metrics: Mapping[str, Decimal] = field(default_factory=dict)
    model: bytes | None = b"model"
    failure_reason: str | None = None
    log: tuple[str, ...] = ()
    seconds: int = 60


class MemoryJobs:
    """Implements `ports.TrainingJobs` and `ports.JobLogs`.

    `quota` is how many instances may run at once, by instance type; a type that is not in it may run without limit.
    """

    def __init__(self, clock: Clock, bucket: MemoryBucket) -> None:
        self._clock = clock
        self._bucket = bucket
        self.requests: dict[str, JobRequest] = {}
        self.descriptions: dict[str, JobDescription] = {}
        self.foreign_tags: dict[str, Mapping[str, str]] = {}
        self.logs: dict[str, tuple[str, ...]] = {}
        self.quota: dict[str, int] = {}
        self.throttled = False
        self.rejection: str | None = None
        self.denial: str | None = None
        self.failing: dict[str, Exception] = {}
        """What CreateTrainingJob fails with, by job name."""
        self.creations = 0
        """How often CreateTrainingJob was called, successfully or not."""

    def create(self, job: JobRequest) -> str:
        self.creations += 1
        if self.throttled:
            raise BusyError("Rate exceeded", throttled=True)
        if job.name in self.failing:
            raise self.failing[job.name]
        if self.denial is not None:
            raise NotAllowedError(self.denial)
        if job.name in self.descriptions:
            raise JobExistsError(f"{job.name} exists already")
        if self.rejection is not None:
            raise RejectedError(self.rejection)
        self._check_quota(job)
        self.requests[job.name] = job
        self._add(job.name)
        return self.descriptions[job.name].arn

    def describe(self, name: str) -> JobDescription | None:
        return self.descriptions.get(name)

    def tags(self, arn: str) -> Mapping[str, str]:
        name = arn.rpartition("/")[2]
        return self.foreign_tags[name] if name in self.foreign_tags else self.requests[name].tags

    def stop(self, name: str) -> None:
        job = self.descriptions.get(name)
        if job is not None and job.state.status is JobStatus.IN_PROGRESS:
            self._change(name, JobStatus.STOPPING, "Stopping")

    def tail(self, job_name: str, lines: int) -> tuple[str, ...]:
        return self.logs.get(job_name, ())[-lines:]

    def after(self, job_name: str, read: Mapping[str, str]) -> LogPart:
        written, begin = self.logs.get(job_name, ()), int(read.get(job_name, "0"))
        return LogPart(written[begin:], {job_name: str(len(written))})

    def add_foreign(self, name: str, tags: Mapping[str, str]) -> None:
        """A job that somebody else created."""
        self._add(name)
        self.foreign_tags[name] = tags

    def delete(self, name: str) -> None:
        del self.descriptions[name]

    def progress(self, name: str, secondary: str) -> None:
        self._change(name, JobStatus.IN_PROGRESS, secondary)

    def end(self, name: str, end: JobEnd) -> None:
        self._change(name, end.status, end.secondary)
        uri = (
            self._bucket.put_model(f"{self.requests[name].output_prefix}model.tar.gz", end.model) if end.model else None
        )
        now = self._clock.now()
        self.logs[name] = end.log
        self.descriptions[name] = replace(
            self.descriptions[name],
            metrics=end.metrics,
            model_uri=uri,
            failure_reason=end.failure_reason,
            billable_seconds=end.seconds,
            started_at=now - timedelta(seconds=end.seconds),
            ended_at=now,
            where="memory",
        )

    def running(self) -> list[str]:
        return [name for name, job in self.descriptions.items() if not job.state.status.is_terminal]

    def _check_quota(self, job: JobRequest) -> None:
        """As AWS counts: instances, of jobs that run and of the one that is asked for."""
        instance_type, wanted = job.spec.compute.instance_type, job.spec.compute.instance_count
        limit = self.quota.get(instance_type)
        if limit is None:
            return
        if wanted > limit:
            quota = f"{instance_type} for training job usage"
            message = f"the account-level service limit '{quota}' is {limit} Instances"
            raise QuotaTooLowError(message, quota=quota, limit=limit, wanted=wanted)
        running = [self.requests[name].spec.compute for name in self.running() if name in self.requests]
        if sum(each.instance_count for each in running if each.instance_type == instance_type) + wanted > limit:
            raise BusyError(f"the limit of {limit} instances of {instance_type} is reached")

    def _add(self, name: str) -> None:
        arn = f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{name}"
        state = JobState(JobStatus.IN_PROGRESS, "Starting", self._clock.now())
        self.descriptions[name] = JobDescription(name, arn, state)

    def _change(self, name: str, status: JobStatus, secondary: str) -> None:
        modified_at: datetime = self._clock.now()
        self.descriptions[name] = replace(self.descriptions[name], state=JobState(status, secondary, modified_at))


class JobsThatTakeAMinute(MemoryJobs):
    def create(self, job: JobRequest) -> str:
        self._clock.wait(timedelta(minutes=1))
        return super().create(job)
