"""The seam between the commands and the world: what `bootstrap` gives in earnest, and a test gives in memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from dropforge.domain.dead_letter import DeadLetter, Redriven
from dropforge.domain.training_job import ModelArtifact
from dropforge.workflow.diagnose import Surroundings
from dropforge.workflow.ports import Ports


@dataclass(frozen=True)
class Place:
    """Which stage is meant, and where; what is None is as AWS's own settings say."""

    stage: str
    profile: str | None = None
    region: str | None = None


class DeadLetters(Protocol):
    """The stage's dead-letter queues, by the names that `queues` gives; another one is an error that lists them."""

    @property
    def queues(self) -> tuple[str, ...]: ...

    def letters(self, queue: str, limit: int) -> tuple[DeadLetter, ...]: ...

    def redrive(self, queue: str) -> Redriven: ...


class Workspace(Protocol):
    """One deployed stage, as the command line uses it."""

    @property
    def ports(self) -> Ports: ...

    @property
    def caller(self) -> str:
        """Who asks, as AWS names them."""
        ...

    @property
    def dead_letters(self) -> DeadLetters: ...

    @property
    def surroundings(self) -> Surroundings: ...

    def fetch_model(self, model: ModelArtifact, to: BinaryIO) -> None:
        """Write that very version of the archive."""
        ...


def open_on_aws(place: Place) -> AbstractContextManager[Workspace]:
    """The stage on AWS, or on what answers in its place."""
    from dropforge.bootstrap import workspace  # noqa: PLC0415  (boto3 is slow to import, and `--help` needs none of it)

    return workspace(place.stage, profile=place.profile, region=place.region)


@dataclass(frozen=True)
class Wiring:
    """`open_stage` gives a stage for the time of a command; inside, errors of AWS become AwsError, in words."""

    open_stage: Callable[[Place], AbstractContextManager[Workspace]] = open_on_aws
    sleep: Callable[[float], None] = field(default=time.sleep)
