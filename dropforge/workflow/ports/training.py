"""What is built and trained: images, jobs, pipelines, logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from dropforge.domain.head import Rebuild
from dropforge.domain.training_job import JobDescription, JobRequest


@dataclass(frozen=True)
class PushedImage:
    """What ECR says of a tag. `uri` names the image by digest."""

    repository: str
    digest: str
    uri: str
    pushed_at: datetime


@dataclass(frozen=True)
class TaggedImage:
    """One tag of a repository."""

    tag: str
    digest: str
    pushed_at: datetime


class ImageRegistry(Protocol):
    def pushed_image(self, project: str, tag: str) -> PushedImage | None: ...

    def holds(self, project: str, digest: str) -> bool:
        """Whether the project's repository still has the image."""
        ...

    def pushed_since(self, project: str, since: datetime) -> Iterator[TaggedImage]:
        """The tags of what was pushed since then, in no order."""
        ...


class TrainingJobs(Protocol):
    def create(self, job: JobRequest) -> str:
        """The new job's ARN. JobExistsError, BusyError, QuotaTooLowError, NotAllowedError, RejectedError."""
        ...

    def describe(self, name: str) -> JobDescription | None:
        """None when there is no such job."""
        ...

    def tags(self, arn: str) -> Mapping[str, str]: ...

    def stop(self, name: str) -> None:
        """Ask for the job's end; nothing happens when it has ended already or is not there yet."""
        ...


@dataclass(frozen=True)
class BuildFailure:
    """The failed action in its own last words, for a person, and the end of its log (empty when nothing was built)."""

    reason: str
    log_tail: tuple[str, ...] = ()


class Pipelines(Protocol):
    def start_rebuild(self, rebuild: Rebuild) -> str:
        """The execution's id; the same for the same client token. ConnectionPendingError, BusyError."""
        ...

    def started_at(self, project: str, execution_id: str) -> datetime: ...

    def retry_registration(self, project: str, execution_id: str) -> bool:
        """Try the execution's registration again, unless that is under way; False when others came after it."""
        ...

    def why_failed(self, project: str, execution_id: str) -> BuildFailure: ...


@dataclass(frozen=True)
class LogPart:
    """Lines that follow each other, and how far the log has been read with them: for `JobLogs.after` alone to know."""

    lines: tuple[str, ...]
    read: Mapping[str, str]


class JobLogs(Protocol):
    def tail(self, job_name: str, lines: int) -> tuple[str, ...]:
        """The last lines that the job wrote; empty when it wrote none."""
        ...

    def after(self, job_name: str, read: Mapping[str, str]) -> LogPart:
        """What the job wrote after `read`, from its first line on where that is empty; at most a part of it."""
        ...
