"""An immutable dataset version: which bytes, under which names, in which channel."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from dropforge.domain.canonical import canonical, digest_of_bytes
from dropforge.domain.encoding import decode, encode
from dropforge.domain.errors import InvalidDocumentError
from dropforge.domain.project import PinMode


class ChecksumSource(Enum):
    """Whose word an object's SHA-256 is."""

    STORED = "stored"  # S3's, kept since the upload over the whole object; a copy's is the same
    COPIED = "copied"  # S3's, computed over the copy as it made it
    PARTS = "parts"  # S3's, computed over each part of the copy as it made it
    COMPUTED = "computed"  # ours: the copy was read through
    NONE = "none"  # nobody's: the version id alone names the bytes


@dataclass(frozen=True)
class Checksum:
    """`sha256` is 64 hexadecimal digits over the object; with a `part_size`, over the SHA-256s of its parts.

    None only with the source NONE.
    """

    sha256: str | None
    source: ChecksumSource
    part_size: int | None = None


UNKNOWN = Checksum(None, ChecksumSource.NONE)


@dataclass(frozen=True)
class ListedObject:
    """A current object version of the training bucket, as ListObjectVersions shows it."""

    key: str
    version_id: str
    size: int


@dataclass(frozen=True)
class ObjectVersion:
    """One object of a dataset. `key` is the full key in the bucket, `size` in bytes.

    `sha256` is 64 hexadecimal digits; absent where nobody has computed it, which only `pin: verify` allows. With a
    `part_size`, the object was cut into parts of so many bytes, and it is over their SHA-256s, 32 bytes each.
    """

    channel: str
    key: str
    version_id: str
    size: int
    sha256: str | None = None
    part_size: int | None = None

    @property
    def listed(self) -> ListedObject:
        return ListedObject(self.key, self.version_id, self.size)


@dataclass(frozen=True)
class Manifest:
    """The identity of a dataset: nothing but bucket and objects, in one order. Who and when are kept elsewhere."""

    bucket: str
    objects: tuple[ObjectVersion, ...]

    @classmethod
    def of(cls, bucket: str, objects: Iterable[ObjectVersion]) -> Manifest:
        return cls(bucket, tuple(sorted(objects, key=lambda each: (each.channel.encode(), each.key.encode()))))

    def to_bytes(self) -> bytes:
        """The canonical encoding, which is also the manifest's file in S3."""
        return canonical(encode(self))

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        try:
            return decode(cls, json.loads(data))
        except ValueError as error:
            raise InvalidDocumentError("the manifest is no JSON: restore its object's version in S3") from error

    @property
    def prefix(self) -> str:
        """What all keys begin with."""
        first, last = min(each.key for each in self.objects), max(each.key for each in self.objects)
        same = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
        return first[:same]

    @property
    def version(self) -> str:
        """`sha256:<hex>` over the canonical encoding: what a dataset version is called."""
        return digest_of_bytes(self.to_bytes())


SHOWN_MOVED = 20


@dataclass(frozen=True)
class DataMoved:
    """Objects that were not of the recorded version any more when the job had ended: how many, and the first keys."""

    objects: int
    keys: tuple[str, ...]

    @classmethod
    def of(cls, keys: Sequence[str]) -> DataMoved | None:
        return cls(len(keys), tuple(keys[:SHOWN_MOVED])) if keys else None

    @property
    def sentence(self) -> str:
        more = self.objects - len(self.keys)
        return (
            "the data moved while this run trained, so it may have read something else than is on record: "
            + ", ".join(self.keys)
            + (f" and {more:,} more" if more else "")
        )


@dataclass(frozen=True)
class ChannelSize:
    objects: int
    bytes: int


@dataclass(frozen=True)
class Origin:
    """What is known of a dataset version beside what it is: none of it takes part in its name.

    `cut_off` is the moment as of which the prefix was listed, `by` who dropped last before it, `checksums` how many
    objects have their SHA-256 from which source.
    """

    cut_off: datetime
    by: str = ""
    pin: PinMode = PinMode.COPY
    checksums: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """A sealed, pinned dataset version of a project; its manifest lies in S3 under `manifest_key`."""

    project: str
    version: str
    bucket: str
    channels: Mapping[str, ChannelSize]
    sealed_at: datetime
    origin: Origin | None = None

    @classmethod
    def of(cls, project: str, manifest: Manifest, sealed_at: datetime, origin: Origin | None = None) -> Dataset:
        sizes: dict[str, ChannelSize] = {}
        for each in manifest.objects:
            sum_so_far = sizes.get(each.channel, ChannelSize(0, 0))
            sizes[each.channel] = ChannelSize(sum_so_far.objects + 1, sum_so_far.bytes + each.size)
        return cls(project, manifest.version, manifest.bucket, sizes, sealed_at, origin)

    @property
    def is_verified(self) -> bool:
        """Whether jobs read the dropped objects themselves, so that it is to be seen afterwards whether they moved."""
        return self.origin is not None and self.origin.pin is PinMode.VERIFY

    @property
    def objects(self) -> int:
        return sum(channel.objects for channel in self.channels.values())

    @property
    def bytes(self) -> int:
        return sum(channel.bytes for channel in self.channels.values())
