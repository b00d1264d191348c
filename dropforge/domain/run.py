"""A run: one image on one dataset version with resolved parameters, named by these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import ClassVar

from dropforge.domain.announcement import Outcome
from dropforge.domain.canonical import digest
from dropforge.domain.dataset import DataMoved, Dataset
from dropforge.domain.image import Build, Image
from dropforge.domain.trail import START, TrailHead
from dropforge.domain.training_job import JobState, ModelArtifact, StatusTransition
from dropforge.domain.training_spec import TrainingSpec


class RunStatus(Enum):
    """WAITING: for its turn, a limit or its next attempt. HELD: until somebody acts. STARTING: intended, the job not
    yet confirmed. SUPERSEDED: given up, since a newer run took its place.
    """

    WAITING = "WAITING"
    HELD = "HELD"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    STOPPED = "STOPPED"
    SUPERSEDED = "SUPERSEDED"

    @property
    def is_open(self) -> bool:
        """Takes one of the places that concurrency limits count."""
        return self in (RunStatus.STARTING, RunStatus.RUNNING)

    @property
    def is_terminal(self) -> bool:
        return self in (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.STOPPED, RunStatus.SUPERSEDED)


class RequesterKind(Enum):
    PUSH = "push"
    DROP = "drop"
    USER = "user"
    RULE = "rule"


@dataclass(frozen=True)
class Requester:
    """Who or what asked: a claimed commit author, an S3 principal, an IAM caller, or the rule that acted."""

    kind: RequesterKind
    name: str


class DelayCause(Enum):
    TURN = "turn"  # nobody has looked yet
    PAUSED = "paused"
    LIMIT = "limit"  # a limit of the project or the stage
    BUSY = "busy"  # AWS: throttled, quota or capacity reached
    RETRY = "retry"  # the attempt before failed for a reason that was not the program's


class Limit(Enum):
    """What ops allow at most, and may raise; they are told of each that holds runs back, once a project and day."""

    RUNS_PER_DAY = "runs_per_day"
    CONCURRENT_RUNS = "concurrent_runs"
    CONCURRENT_RUNS_OF_STAGE = "concurrent_runs_of_stage"


@dataclass(frozen=True)
class Waiting:
    """Why a run waits, and when it is worth looking again."""

    due: datetime
    cause: DelayCause
    reason: str


@dataclass(frozen=True)
class Held:
    """Why a run will not start by itself, and what to do."""

    outcome: Outcome  # HELD by a guard rail, BLOCKED by the account
    reason: str
    remedy: str


@dataclass(frozen=True)
class Attempt:
    """One SageMaker job: intended first, then confirmed by its ARN, then observed, then ended.

    `failure` says why another attempt followed this one; `billable_seconds` is what this one cost.
    """

    number: int
    job_name: str
    intended_at: datetime
    started_at: datetime | None = None
    job_arn: str | None = None
    state: JobState | None = None
    ended_at: datetime | None = None
    failure: str | None = None
    billable_seconds: int | None = None

    @property
    def has_job(self) -> bool:
        return self.job_arn is not None or self.state is not None

    @property
    def has_ended(self) -> bool:
        return self.ended_at is not None or (self.state is not None and self.state.status.is_terminal)


@dataclass(frozen=True)
class Reproduction:
    """That a run repeats another from its record alone: `of` is the original's id, `number` counts from 1."""

    of: str
    number: int


@dataclass(frozen=True)
class RunResult:
    """How a run ended. `cost_usd` is stated where ops gave the instance type's price; `log_tail` is the last lines.

    Billable seconds and cost are those of all attempts together, the rest is the last one's.
    """

    reason: str | None = None
    metrics: Mapping[str, Decimal] = field(default_factory=dict)
    model: ModelArtifact | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    billable_seconds: int | None = None
    cost_usd: Decimal | None = None
    log_tail: tuple[str, ...] = ()
    where: str | None = None
    transitions: tuple[StatusTransition, ...] = ()
    moved: DataMoved | None = None


@dataclass(frozen=True)
class StoredStatement:
    """A signed statement in S3: this very version of it."""

    uri: str
    version_id: str


@dataclass(frozen=True)
class SignedRecord:
    """What was signed of a finished run: its trail up to `head`, and its model's `provenance`.

    Without the latter where there is no model, or none whose SHA-256 is known.
    """

    head: TrailHead
    statement: StoredStatement
    provenance: StoredStatement | None = None


@dataclass(frozen=True)
class Run:
    """The unit of record, as its events have made it; `trail` names the last of them.

    `busy_delays` counts how often AWS had no room, `announced` the trail sequences that people were told of. `stopping`
    is who asked for its end while it had a job or was about to get one. `waiting_since` is when it last began to wait
    for a start (None: since it was requested), `told_late` what was told since then about its taking too long, and
    `attempts_before` how many attempts had been made when somebody last asked for a retry. `image` names the build that
    the run was first asked for; `also_built` are further ones that gave the very same image and spec, for which the run
    stands as well. `data_revision` orders the data of a project's runs by when it was the latest: it is that of the
    head for which the run was last asked for, 0 where it was for none, as in earlier records. `requester` is who asked
    for it, or last asked anew once it was superseded. `status_sequence` is that of the trail's entry which brought the
    status about (0 in records of the first release).
    """

    id: str
    project: str
    image: Image
    dataset: Dataset
    spec: TrainingSpec
    requester: Requester
    requested_at: datetime
    status: RunStatus
    changed_at: datetime
    waiting: Waiting | None = None
    held: Held | None = None
    attempts: tuple[Attempt, ...] = ()
    busy_delays: int = 0
    result: RunResult | None = None
    announced: tuple[int, ...] = ()
    stopping: Requester | None = None
    waiting_since: datetime | None = None
    told_late: tuple[Outcome, ...] = ()
    attempts_before: int = 0
    superseded_by: str | None = None
    reproduces: Reproduction | None = None
    also_built: tuple[Build, ...] = ()
    status_sequence: int = 0
    signed: SignedRecord | None = None
    data_revision: int = 0
    trail: TrailHead = START

    FORMER_MEMBERS: ClassVar = frozenset({"told_limits"})
    """In records written before ops were told of a limit once a day; `encoding` passes over them."""

    @property
    def awaits_signature(self) -> bool:
        """Whether it has ended and no signature covers that end yet."""
        covered = self.signed.head.sequence if self.signed is not None else 0
        return self.status.is_terminal and self.status_sequence > covered

    @property
    def attempt(self) -> Attempt | None:
        """The latest."""
        return self.attempts[-1] if self.attempts else None

    @property
    def next_attempt(self) -> int:
        """An attempt that was intended and never got a job is tried again under its own number and name."""
        latest = self.attempt
        if latest is None:
            return 1
        return latest.number + 1 if latest.has_job else latest.number

    @property
    def image_started_at(self) -> datetime:
        """When the latest of the builds that gave its image began: what orders the images of a project."""
        again = (each.started_at for each in self.also_built if each.started_at is not None)
        return max((self.image.execution_started_at, *again))

    @property
    def waits_since(self) -> datetime:
        return self.waiting_since or self.requested_at

    @property
    def attempts_made(self) -> int:
        """Since it was asked for, or asked for again; what the limit of attempts counts."""
        return (self.attempt.number if self.attempt else 0) - self.attempts_before


@dataclass(frozen=True)
class RunRef:
    """Enough of a run to find it and to put it in line."""

    id: str
    project: str
    requested_at: datetime
    status: RunStatus


@dataclass(frozen=True)
class WaitingRef(RunRef):
    """The same of a run that waits."""

    due: datetime

    @property
    def place(self) -> tuple[datetime, datetime, str]:
        """In line: by due time, and among equals the longest requested first."""
        return self.due, self.requested_at, self.id


def run_id(
    project: str,
    image_digest: str,
    dataset_version: str,
    spec: TrainingSpec,
    reproduces: Reproduction | None = None,
) -> str:
    """Twenty hexadecimal digits (80 bits) over the inputs: the same inputs are the same run.

    The resolved parameters are the whole resolved spec, since instance type and environment can change a result too.
    A reproduction has the inputs of another run, and is one of its own by naming that and its number.
    """
    inputs = {
        "project": project,
        "image": image_digest,
        "dataset": dataset_version,
        "parameters": spec.to_document(),
    }
    if reproduces is not None:
        inputs["reproduces"] = {"run": reproduces.of, "number": reproduces.number}
    return digest(inputs).removeprefix("sha256:")[:20]
