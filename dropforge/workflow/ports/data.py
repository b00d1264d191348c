"""What lies in the buckets, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from dropforge.domain.dataset import Checksum, Dataset, ListedObject, Manifest
from dropforge.domain.keeping import Span
from dropforge.domain.pinning import ChannelFiles, Pin
from dropforge.domain.training_job import ModelArtifact


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
