"""A SageMaker training job as Dropforge asks for it and as SageMaker describes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Final

from dropforge.domain.training_spec import InputMode, TrainingSpec

LONGEST_JOB_NAME = 63


class JobStatus(Enum):
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html, TrainingJobStatus"""

    IN_PROGRESS = "InProgress"
    STOPPING = "Stopping"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPED = "Stopped"

    @property
    def is_terminal(self) -> bool:
        return self in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.STOPPED)


_ORDER: Final = MappingProxyType({JobStatus.IN_PROGRESS: 0, JobStatus.STOPPING: 1})


@dataclass(frozen=True)
class JobState:
    """What was seen of a job, and when SageMaker last changed it. `secondary` is SecondaryStatus, "" when not told."""

    status: JobStatus
    secondary: str
    modified_at: datetime

    def is_newer_than(self, other: JobState | None) -> bool:
        """Events come twice and out of order: a later status wins, then a later time; the end is final."""
        if other is None:
            return True
        return not other.status.is_terminal and self.rank > other.rank

    @property
    def rank(self) -> tuple[int, datetime]:
        return _ORDER.get(self.status, 2), self.modified_at


@dataclass(frozen=True)
class StatusTransition:
    """One step that SageMaker lists of a job (SecondaryStatusTransitions)."""

    status: str
    started_at: datetime
    message: str = ""


@dataclass(frozen=True)
class ModelArtifact:
    """A model archive in S3: this very version of it, `sha256` in 64 hexadecimal digits.

    None where S3 keeps none and reading the archive would have taken too long: the version id alone then names it.
    """

    uri: str
    version_id: str
    size: int
    sha256: str | None = None

    @property
    def hash_sentence(self) -> str:
        return f"SHA-256 {self.sha256 or 'unknown: the model was too large to be read in time, its version names it'}"


@dataclass(frozen=True)
class JobRequest:
    """What CreateTrainingJob is asked for; bucket, key, role and network are the adapter's to add.

    `channels` maps each channel to the key in the artifact bucket of the list of its objects; `output_prefix` and
    `checkpoint_prefix` are keys there as well.
    """

    name: str
    image_uri: str
    spec: TrainingSpec
    channels: Mapping[str, tuple[str, InputMode]]
    output_prefix: str
    checkpoint_prefix: str | None
    tags: Mapping[str, str]


@dataclass(frozen=True)
class JobDescription:
    """What DescribeTrainingJob says. `where` is AWS and region, or which rung of the local AWS ran it."""

    name: str
    arn: str
    state: JobState
    transitions: tuple[StatusTransition, ...] = ()
    metrics: Mapping[str, Decimal] = field(default_factory=dict)
    model_uri: str | None = None
    failure_reason: str | None = None
    billable_seconds: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    where: str | None = None


def job_name(deployment: str, run_id: str, attempt: int) -> str:
    """`<deployment>-<run>-<nn>`; a deployment's name has at most 39 characters, so that this has at most 63."""
    return f"{deployment}-{run_id}-{attempt:02d}"


def parse_job_name(deployment: str, name: str) -> tuple[str, int] | None:
    """Run and attempt of a job of this deployment; None for anybody else's, however much the beginnings agree."""
    found = re.fullmatch(rf"{re.escape(deployment)}-([0-9a-f]{{20}})-([0-9]{{2,}})", name)
    return (found[1], int(found[2])) if found else None
