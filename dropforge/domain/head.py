"""The latest image and the latest data of a project: what a new one of either trains with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from dropforge.domain.backoff import backoff
from dropforge.domain.dataset import Dataset
from dropforge.domain.drop import ObjectRef
from dropforge.domain.image import Image
from dropforge.domain.run import Requester


class WaitsFor(Enum):
    """What a project lacks before anything can train."""

    IMAGE = "image"
    DATA = "data"
    IMAGE_AND_DATA = "image and data"


@dataclass(frozen=True)
class SealedData:
    """A dataset version as the head: `revision` is that of the seal timer when its listing began, and orders them."""

    dataset: Dataset
    revision: int
    requester: Requester | None = None

    def replaces(self, other: SealedData | None) -> bool:
        return other is None or self.revision > other.revision


@dataclass(frozen=True)
class ProjectHead:
    """Each half only moves forward. `owes_run` until what the data asks for, a run or a build, is on record.

    `first_build` is the pipeline execution whose image was the project's first: data that came before waited for it.
    """

    project: str
    image: Image | None = None
    data: SealedData | None = None
    owes_run: bool = False
    first_build: str | None = None

    @property
    def waits_for(self) -> WaitsFor | None:
        if self.image is None:
            return WaitsFor.IMAGE_AND_DATA if self.data is None else WaitsFor.IMAGE
        return WaitsFor.DATA if self.data is None else None


@dataclass(frozen=True)
class SealTimer:
    """When data is next sealed; `due` is None when nothing waits. `revision` counts a project's drops, for ever.

    The project's own timer (`of` is None) is for its whole prefix. A marker or, where each object is sealed by itself,
    an object has a timer of its own, whose revision is the count at its drop.
    """

    project: str
    revision: int
    last_drop_at: datetime
    last_drop_by: str
    due: datetime | None
    of: ObjectRef | None = None


@dataclass(frozen=True)
class StartDelay:
    """How often the start of a build was put off so far, and until when."""

    count: int
    until: datetime


@dataclass(frozen=True)
class Rebuild:
    """A build that new data asked for, recorded under (project, dataset version) before it is started.

    `image_digest` is the image whose run stands for the rebuild: a second build of the same rebuild gets no second run.
    `revision` is that of the data when it first asked; 0 where a person asked, and in earlier records.
    """

    project: str
    dataset_version: str
    requester: Requester
    requested_at: datetime
    execution_id: str | None = None
    image_digest: str | None = None
    delay: StartDelay | None = None
    revision: int = 0

    def is_due(self, now: datetime) -> bool:
        return self.delay is None or self.delay.until <= now

    def delayed(self, now: datetime) -> StartDelay:
        """It could not be started: the delay from now on, longer than the one before."""
        count = self.delay.count if self.delay is not None else 0
        return StartDelay(count + 1, now + backoff(self.client_token, count))

    @property
    def client_token(self) -> str:
        """Makes a second start the first one: 64 hexadecimal digits, where CodePipeline takes 128 characters."""
        return self.dataset_version.removeprefix("sha256:")


@dataclass(frozen=True)
class Pause:
    """Of one project, or of the whole stage when `project` is None."""

    project: str | None
    by: str
    at: datetime
