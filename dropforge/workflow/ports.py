"""What the use cases need of the world. Adapters implement these on AWS, `tests/fakes/` in memory.

Reads are strongly consistent unless said otherwise. Whatever else goes wrong (network, permissions) is raised as it
comes: the message is then delivered again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Protocol

from dropforge.domain.admission import ProjectLoad
from dropforge.domain.announcement import Announcement, AnnouncementKey
from dropforge.domain.congestion import Congestion
from dropforge.domain.dataset import Checksum, Dataset, ListedObject, Manifest, ObjectVersion
from dropforge.domain.drop import ObjectDropped, ObjectRef
from dropforge.domain.dsse import Signature
from dropforge.domain.errors import DropforgeError
from dropforge.domain.head import Pause, ProjectHead, Rebuild, SealedData, SealTimer, StartDelay
from dropforge.domain.image import Image
from dropforge.domain.keeping import Span
from dropforge.domain.mail import Mail
from dropforge.domain.notice import Notice
from dropforge.domain.pinning import Binding, ChannelFiles, Pin
from dropforge.domain.project import Stage
from dropforge.domain.run import Run, RunRef, StoredStatement, WaitingRef
from dropforge.domain.run_events import RunEvent
from dropforge.domain.state_change import RunStateChanged
from dropforge.domain.state_report import StateReport
from dropforge.domain.trail import TrailEntry
from dropforge.domain.training_job import JobDescription, JobRequest, ModelArtifact


class ConflictError(DropforgeError):
    """Somebody else wrote first: read again and decide again."""


class JobExistsError(DropforgeError):
    """A training job of that name exists: ours only if Describe shows our tags."""


class BusyError(DropforgeError):
    """AWS has no room now (throttled, quota in use, no capacity); the message is AWS's. Never a reason to fail a run.

    `throttled` says that any other request would be refused as well.
    """

    def __init__(self, message: str, *, throttled: bool = False) -> None:
        super().__init__(message)
        self.throttled = throttled


class QuotaTooLowError(DropforgeError):
    """The job alone wants more than the account's quota allows at all; waiting does not help. The message is AWS's.

    `quota` is what Service Quotas calls it, `limit` and `wanted` are instances.
    """

    def __init__(self, message: str, *, quota: str, limit: int, wanted: int) -> None:
        super().__init__(message)
        self.quota, self.limit, self.wanted = quota, limit, wanted


class NotAllowedError(DropforgeError):
    """The deployment's own role may not do what it has to; the message is AWS's. Nothing starts until ops mend it."""


class RejectedError(DropforgeError):
    """AWS will not take this request however often it is sent; the message is AWS's."""


class VersionGoneError(DropforgeError):
    """An object version that was listed has been deleted for good: list again."""


class ConnectionPendingError(DropforgeError):
    """The connection to the code host was never completed in the console."""


class SinkError(DropforgeError):
    """Another system did not take what it was told, or was not reached; it is told again."""


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
        """Keep who dropped which object version, when and from where; the first record stays."""
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
        """Count a drop: revision + 1, who it was by, and a new due time. The timer's item is never deleted.

        `last_drop_at` is then the latest that was ever told, since drops come out of order.
        """
        ...

    def touch_object(self, project: str, drop: ObjectDropped, due: datetime) -> SealTimer:
        """Count a drop that is sealed by itself, and set its own timer; one that was set or cleared before stays.

        Who dropped it is recorded with the timer, in one transaction, so that neither is there without the other.
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


class DataBucket(Protocol):
    """Data as it was dropped, and as it is pinned in the artifact bucket."""

    @property
    def name(self) -> str:
        """Of the training bucket."""
        ...

    def current_objects(self, prefix: str, at: datetime) -> Iterator[ListedObject]:
        """What was there at that moment, with versions, by key in UTF-8; what a delete marker hid was not there.

        As many are held as S3 gives in one answer, whatever the size of the prefix.
        S3 states times in whole seconds: what it dates to the very second counts as before it.
        """
        ...

    def content(self, listed: ListedObject) -> bytes:
        """Of a small object, this very version. VersionGoneError."""
        ...

    def copy_all(self, pins: Iterable[Pin], enough: Callable[[], bool]) -> Iterator[tuple[Pin, Checksum]]:
        """Copy the very versions, server-side and many side by side, each to its key in the artifact bucket.

        Yields each copy once it is complete and its SHA-256 was compared with S3's own of the original, if S3 has one.
        Begins nothing new once there is `enough`; a large object that is cut off there goes on when it is asked for
        again. VersionGoneError; DatasetRefusedError for what S3 does not copy.
        """
        ...

    def stored_checksums(self, objects: Iterable[ListedObject]) -> Iterator[tuple[ListedObject, Checksum]]:
        """The SHA-256 that S3 keeps over each whole object, or UNKNOWN. Reads no data. VersionGoneError."""
        ...

    def put_channel_files(self, key: str, files: ChannelFiles) -> None:
        """Write the list that SageMaker takes as a channel's ManifestFile."""
        ...

    def channel_files(self, key: str) -> ChannelFiles:
        """The list that `put_channel_files` wrote."""
        ...

    def gone_copies(self, files: ChannelFiles) -> Mapping[str, datetime | None]:
        """The keys of these copies that are not there any more, with the time of their deletion where S3 tells it."""
        ...

    def put_origin(self, key: str, dataset: Dataset) -> None:
        """Write who sealed the dataset version, and when."""
        ...

    def put_manifest(self, key: str, manifest: Manifest) -> None: ...

    def manifest(self, key: str) -> Manifest: ...

    def model_artifact(self, uri: str, enough: Callable[[], bool]) -> ModelArtifact | None:
        """The archive's version, size and SHA-256; None when the job left none.

        The SHA-256 is S3's own where it keeps one over the whole, else the archive is read through; once there is
        `enough` of that, it stays unknown.
        """
        ...


class Lifespans(Protocol):
    """How long AWS keeps what is there, as the rules say that it now has."""

    def of_dropped(self, objects: Sequence[ListedObject]) -> Mapping[ListedObject, Span]:
        """Of these very versions in the training bucket, where the replaced ones may expire."""
        ...

    def of_copies(self, keys: Sequence[str]) -> Mapping[str, Span]:
        """Of what lies under these keys in the artifact bucket."""
        ...

    def of_model(self, model: ModelArtifact) -> Span:
        """Of that very version of the archive."""
        ...

    def of_log(self, written_at: datetime) -> Span:
        """Of what a job wrote then."""
        ...


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


class Wakeups(Protocol):
    """Wakes a use case soon. Losing one delays work until the next tick and no longer."""

    def dispatch(self) -> None: ...

    def seal(self, project: str, after: timedelta, of: ObjectRef | None = None) -> None: ...

    def sign(self, run_id: str) -> None: ...


class PublicKey(Protocol):
    """By which anybody tells whether the stage has signed something."""

    @property
    def key_id(self) -> str:
        """64 hexadecimal digits over the key in DER (SPKI)."""
        ...

    def fits(self, message: bytes, signature: bytes) -> bool:
        """Whether this is the key's ECDSA signature (DER) over the SHA-256 of the message."""
        ...


class Signer(Protocol):
    """The stage's signing key, which never leaves its keeper."""

    @property
    def name(self) -> str:
        """A URI by which the stage, as a builder of models, is known."""
        ...

    def sign(self, message: bytes) -> Signature: ...

    def public_key_pem(self) -> bytes: ...


class Statements(Protocol):
    """Signed statements, as envelopes: those on models lie beside them, those on trails in the audit bucket."""

    def put_beside(self, model: ModelArtifact, envelope: bytes) -> StoredStatement: ...

    def put_trail_head(self, run_id: str, sequence: int, envelope: bytes) -> StoredStatement: ...

    def read(self, stored: StoredStatement) -> bytes | None:
        """The very version; None when it is gone."""
        ...

    def beside(self, model_uri: str) -> bytes | None:
        """The latest; None when there is none."""
        ...

    def trail_heads(self, run_id: str) -> tuple[bytes, ...]:
        """All that were ever put and not removed for good, also those that were put over or hidden."""
        ...

    def runs_with_trail_heads(self) -> Iterator[str]:
        """Each run once."""
        ...


class StateChanges(Protocol):
    """Tells whoever listens outside of the stage."""

    def publish(self, change: RunStateChanged) -> None: ...


class Sink(Protocol):
    """Another system that is told of runs. To be told twice does it no harm."""

    @property
    def name(self) -> str: ...

    def deliver(self, report: StateReport) -> None:
        """Nothing where the system has no use for this change. SinkError when it did not take what it was told."""
        ...


class Announcer(Protocol):
    def publish(self, mail: Mail, announcement: Announcement) -> None:
        """Send to whoever subscribed to the announcement's project and outcome."""
        ...


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
