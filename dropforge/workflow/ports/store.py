"""The metadata store: eight parts, of which each adapter module implements one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Final, Protocol

from dropforge.domain.admission import ProjectLoad
from dropforge.domain.announcement import Announcement, AnnouncementKey
from dropforge.domain.congestion import Congestion
from dropforge.domain.dataset import Checksum, Dataset, ListedObject, ObjectVersion
from dropforge.domain.drop import ObjectDropped, ObjectRef
from dropforge.domain.head import Pause, ProjectHead, Rebuild, SealedData, SealTimer, StartDelay
from dropforge.domain.image import Image
from dropforge.domain.notice import Notice
from dropforge.domain.pinning import Binding, Pin
from dropforge.domain.run import Run, RunRef, WaitingRef
from dropforge.domain.run_events import RunEvent
from dropforge.domain.trail import TrailEntry


class Runs(Protocol):
    """Runs and their trails."""

    def commit(self, before: Run | None, event: RunEvent) -> Run:
        """Write all that `transition(before, event)` of the domain says, in one transaction.

        Conditions: the run's stored trail head is `before.trail` (for None: there is no run); the trail entry is
        absent; a PENDING announcement is absent. The project's load grows by `opened` and by the start. Returns the
        run as written, or `before` when the event changes nothing. ConflictError when a condition does not hold.
        """
        ...

    def run(self, run_id: str) -> Run | None: ...

    def trail(self, run_id: str) -> tuple[TrailEntry, ...]: ...

    def load(self, project: str, day: date) -> ProjectLoad:
        """Open runs of the project, and runs started on the UTC day, as the committed transactions counted them."""
        ...

    def first_in_line(self, due_by: datetime) -> tuple[WaitingRef, ...]:
        """Of each project, declared or not, the WAITING run whose place comes first, if it is due.

        One request more than there are projects that have runs waiting (eventually consistent).
        """
        ...

    def waiting_runs(self, project: str, due_by: datetime, after: WaitingRef | None = None) -> Iterator[WaitingRef]:
        """WAITING runs of the project that are due, in the order of their places (eventually consistent).

        Those behind one are read a few at a time, as they are asked for.
        """
        ...

    def open_runs(self) -> Iterator[RunRef]:
        """STARTING and RUNNING runs (eventually consistent)."""
        ...

    def unsigned_runs(self) -> Iterator[RunRef]:
        """Runs that have ended and await their signature (eventually consistent)."""
        ...

    def held_runs(self, project: str) -> Iterator[RunRef]:
        """HELD runs of the project (eventually consistent)."""
        ...

    def runs_of_project(self, project: str, limit: int, before: RunRef | None = None) -> tuple[Run, ...]:
        """The newest first; those asked for before that one, where one is given (eventually consistent).

        Here and below, a record that cannot be read is left out.
        """
        ...

    def unreadable_runs(self, project: str, limit: int) -> tuple[RunRef, ...]:
        """Of the newest so many of the project, those that `runs_of_project` leaves out."""
        ...

    def runs_of_commit(self, commit: str, limit: int, before: RunRef | None = None) -> tuple[Run, ...]:
        """As `runs_of_project`; also those that stand for one of its builds (`also_built`)."""
        ...

    def runs_of_dataset(self, project: str, version: str, limit: int, before: RunRef | None = None) -> tuple[Run, ...]:
        """As `runs_of_project`."""
        ...

    def runs_of_image(self, digest: str, limit: int | None = None) -> tuple[Run, ...]:
        """Of any project; the newest first."""
        ...

    def runs_of_model(self, sha256: str) -> tuple[Run, ...]:
        """Whose latest result is a model of these bytes, 64 hexadecimal digits; a handful at most."""
        ...

    def reproductions_of(self, run_id: str, limit: int) -> tuple[Run, ...]:
        """Runs that repeat this one from its record; so many of them, the newest first."""
        ...

    def runs_with_prefix(self, prefix: str) -> tuple[RunRef, ...]:
        """Runs whose id begins so; a prefix has at least four digits. At most a handful is returned."""
        ...


class Catalog(Protocol):
    """Images, dataset versions, object versions, and each project's head."""

    def head(self, project: str) -> ProjectHead:
        """An empty head when there is none yet."""
        ...

    def advance_image(self, image: Image) -> ProjectHead:
        """Record the build and its image, and make it the head's unless `replaces` says no; the head with both halves.

        The other half is read consistently after this one is written: of an image and data that arrive at the same
        moment, at least one sees both.
        """
        ...

    def advance_data(self, data: SealedData) -> ProjectHead:
        """As `advance_image`, for the other half; the dataset itself was put before. The head then owes a run."""
        ...

    def settle_data(self, project: str, revision: int) -> None:
        """The head owes no run any more, if its data is still of that revision."""
        ...

    def image(self, project: str, digest: str) -> Image | None:
        """As the latest execution built it, of those that gave this digest."""
        ...

    def images_of_digest(self, projects: Sequence[str], digest: str) -> tuple[Image, ...]:
        """As `image`, in each of these projects that has it."""
        ...

    def build(self, project: str, execution_id: str) -> Image | None:
        """What this pipeline execution built."""
        ...

    def put_dataset(self, dataset: Dataset, objects: Sequence[ObjectVersion]) -> None:
        """Record the version and, for each object version, that it is part of it; the first record stays."""
        ...

    def dataset(self, project: str, version: str) -> Dataset | None: ...

    def datasets_of_version(self, projects: Sequence[str], version: str) -> tuple[Dataset, ...]:
        """As `dataset`, in each of these projects that has it."""
        ...

    def datasets_of_object(self, bucket: str, key: str, version_id: str | None, limit: int) -> tuple[Dataset, ...]:
        """The dataset versions that hold the object, those sealed last first (eventually consistent)."""
        ...

    def record_drop(self, project: str, drop: ObjectDropped) -> None:
        """Keep who dropped which object version, when and from where, unless `replaces` says no: the first stays, but
        for what the sweep found before S3's own word came.
        """
        ...

    def drop(self, bucket: str, key: str, version_id: str) -> ObjectDropped | None: ...

    def drops_of(self, objects: Sequence[ObjectRef]) -> Mapping[ObjectRef, ObjectDropped]:
        """As `drop`, of many: those that are known."""
        ...

    def dropped(self, bucket: str, objects: Sequence[ListedObject]) -> Collection[ListedObject]:
        """Those of the objects whose drop is on record: a request for each hundred of them."""
        ...

    def note_latest(self, drop: ObjectDropped) -> bool:
        """Remember the drop as its key's latest, unless a later one is remembered (by sequencer): False then."""
        ...

    def latest_version(self, bucket: str, key: str) -> str | None:
        """The version id of the key's latest drop; None when none was noted."""
        ...

    def checksums(self, bucket: str, objects: Sequence[ListedObject]) -> Mapping[ListedObject, Checksum]:
        """What is already known of these object versions' bytes."""
        ...

    def record_checksum(self, bucket: str, listed: ListedObject, checksum: Checksum) -> None: ...


class Pools(Protocol):
    """Which object version each pinned key is bound to (`domain/pinning.py`)."""

    def pool(self, project: str, channel: str) -> int:
        """The number of the channel's current pool, at first 0."""
        ...

    def next_pool(self, project: str, channel: str, after: int) -> int:
        """Begin the pool that follows `after`, unless somebody has; the current one."""
        ...

    def bind(self, pins: Sequence[Pin]) -> Mapping[str, Binding]:
        """Bind each key that is free to its object version; every key's binding afterwards, by key.

        A key that is bound stays as it is, and while one of these is bound to something else, none is newly bound.
        """
        ...

    def record_copies(self, copies: Sequence[tuple[Pin, Checksum]]) -> None:
        """The copies are there and their bytes are these."""
        ...


MOST_DUE: Final = 300
"""Timers that one look at what is due brings up."""


class SealTimers(Protocol):
    def touch_seal(self, project: str, by: str, at: datetime, due: datetime) -> SealTimer:
        """Count a drop: revision + 1, and a new due time. The timer's item is never deleted.

        `last_drop_at` is then the latest that was ever told, since drops come out of order, and `last_drop_by` whose
        that was; of two at the same time, whose was told of last.
        """
        ...

    def touch_object(self, project: str, drop: ObjectDropped, due: datetime) -> SealTimer:
        """Count a drop that is sealed by itself, and set its own timer; one that was set or cleared before stays.

        Who dropped it is recorded with the timer, in one transaction, so that neither is there without the other; where
        the timer was set before, as `record_drop` does.
        """
        ...

    def seal_timer(self, project: str, of: ObjectRef | None = None) -> SealTimer | None: ...

    def hold_seal(self, timer: SealTimer, holder: str, now: datetime, until: datetime) -> bool:
        """Let nobody else seal this revision before `until`, and no tick wake anybody for it.

        False when another holder has it, when a drop was counted since, or when nothing is due any more.
        """
        ...

    def release_seal(self, timer: SealTimer) -> None:
        """Give the revision back, due as it was."""
        ...

    def clear_seal(self, timer: SealTimer) -> bool:
        """Take the due time away unless a drop was counted since that revision; whether it was taken."""
        ...

    def due_seals(self, due_by: datetime, projects: Collection[str] | None = None) -> tuple[SealTimer, ...]:
        """The earliest first of these projects, or of all, and not those that are held (eventually consistent).

        MOST_DUE at most, after which the next look goes on.
        """
        ...


class Rebuilds(Protocol):
    def record_rebuild(self, rebuild: Rebuild) -> Rebuild:
        """The rebuild as stored under its project and dataset version: the first record stays."""
        ...

    def rebuild(self, project: str, dataset_version: str) -> Rebuild | None: ...

    def rebuild_started(self, project: str, dataset_version: str, execution_id: str) -> None: ...

    def delay_rebuild(self, project: str, dataset_version: str, delay: StartDelay) -> None:
        """Put off a rebuild that is not started; one that is stays as it is."""
        ...

    def claim_rebuild(self, project: str, dataset_version: str, image_digest: str) -> Rebuild:
        """Let this image stand for the recorded rebuild if none does yet; the rebuild as stored."""
        ...

    def unstarted_rebuilds(self) -> tuple[Rebuild, ...]:
        """Recorded, and no execution known (eventually consistent)."""
        ...


class Pauses(Protocol):
    def pause(self, project: str | None) -> Pause | None:
        """The pause of exactly this project, or of the stage for None."""
        ...

    def set_pause(self, pause: Pause) -> None: ...

    def clear_pause(self, project: str | None) -> None: ...


class CongestionNotes(Protocol):
    """What is remembered of AWS having had no room; one note a scope."""

    def congestion(self) -> tuple[Congestion, ...]: ...

    def note_congestion(self, congestion: Congestion) -> None:
        """In place of the note of the same scope."""
        ...

    def forget_congestion(self, scope: str) -> None: ...


class Announcements(Protocol):
    def put_notice(self, notice: Notice) -> bool:
        """Keep the notice and its PENDING announcement, in one transaction; False when it was there already."""
        ...

    def notice(self, notice_id: str) -> Notice | None: ...

    def notices(self, limit: int) -> tuple[Notice, ...]:
        """The newest first (eventually consistent)."""
        ...

    def announcement(self, key: AnnouncementKey) -> Announcement | None: ...

    def lease_announcement(self, key: AnnouncementKey, now: datetime, until: datetime) -> Announcement | None:
        """Take the announcement for sending, when `is_free(now)`; None when it is sent, leased or unknown."""
        ...

    def release_announcement(self, key: AnnouncementKey) -> None:
        """Give the lease back after a failure, so that whoever tries next may send; nothing when it was sent."""
        ...

    def notice_announced(self, key: AnnouncementKey) -> None:
        """Mark a notice's announcement SENT. A run's is marked by committing RunAnnounced."""
        ...

    def pending_announcements(self) -> tuple[Announcement, ...]:
        """The oldest first (eventually consistent)."""
        ...


class MetadataStore(Runs, Catalog, Pools, SealTimers, Rebuilds, Pauses, CongestionNotes, Announcements, Protocol):
    """The state of everything, and the trail of what happened."""
