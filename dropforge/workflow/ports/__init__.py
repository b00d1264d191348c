"""What the use cases need of the world. Adapters implement these on AWS, `tests/fakes/` in memory.

Reads are strongly consistent unless said otherwise. Whatever else goes wrong (network, permissions) is raised as it
comes: the message is then delivered again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from dropforge.domain.project import Stage
from dropforge.workflow.ports.data import DataBucket, Lifespans
from dropforge.workflow.ports.errors import (
    BusyError,
    ConflictError,
    ConnectionPendingError,
    JobExistsError,
    NotAllowedError,
    QuotaTooLowError,
    RejectedError,
    SinkError,
    VersionGoneError,
)
from dropforge.workflow.ports.signing import PublicKey, Signer, Statements
from dropforge.workflow.ports.store import (
    MOST_DUE,
    Announcements,
    Catalog,
    CongestionNotes,
    MetadataStore,
    Pauses,
    Pools,
    Rebuilds,
    Runs,
    SealTimers,
)
from dropforge.workflow.ports.telling import Announcer, Sink, StateChanges, Wakeups
from dropforge.workflow.ports.training import (
    BuildFailure,
    ImageRegistry,
    JobLogs,
    LogPart,
    Pipelines,
    PushedImage,
    TaggedImage,
    TrainingJobs,
)

__all__ = [
    "MOST_DUE",
    "WHENEVER",
    "Announcements",
    "Announcer",
    "BuildFailure",
    "BusyError",
    "Catalog",
    "Clock",
    "ConflictError",
    "CongestionNotes",
    "ConnectionPendingError",
    "DataBucket",
    "ImageRegistry",
    "JobExistsError",
    "JobLogs",
    "Lifespans",
    "LogPart",
    "MetadataStore",
    "NotAllowedError",
    "Pauses",
    "Pipelines",
    "Pools",
    "Ports",
    "PublicKey",
    "PushedImage",
    "QuotaTooLowError",
    "Rebuilds",
    "RejectedError",
    "Runs",
    "SealTimers",
    "Signer",
    "Sink",
    "SinkError",
    "StateChanges",
    "Statements",
    "TaggedImage",
    "TrainingJobs",
    "VersionGoneError",
    "Wakeups",
]


WHENEVER: Final = datetime.max.replace(tzinfo=UTC)
"""Asks for what there is without a bound in time, whatever clocks say."""


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, in UTC."""
        ...

    def wait(self, length: timedelta) -> None:
        """Let so much time pass."""
        ...


@dataclass(frozen=True)
class Ports:
    """Everything outside, in one value; each use case takes of it what it needs."""

    stage: Stage
    store: MetadataStore
    bucket: DataBucket
    lifespans: Lifespans
    registry: ImageRegistry
    jobs: TrainingJobs
    pipelines: Pipelines
    logs: JobLogs
    wakeups: Wakeups
    announcer: Announcer
    signer: Signer
    statements: Statements
    states: StateChanges
    sinks: Sequence[Sink]
    clock: Clock
