"""An immutable dataset version: which bytes, under which names, in which channel."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from dropforge.domain.canonical import canonical, digest_of_bytes
from dropforge.domain.encoding import decode, encode
from dropforge.domain.errors import InvalidDocumentError


class ChecksumSource(Enum):
    """How an object's SHA-256 was got."""

    STORED = "stored"  # S3 keeps a SHA-256 over the whole object
    COMPUTED = "computed"  # the object was read through


@dataclass(frozen=True)
class Checksum:
    sha256: str  # 64 hexadecimal digits
    source: ChecksumSource


@dataclass(frozen=True)
class ListedObject:
    """A current object version of the training bucket, as ListObjectVersions shows it."""

    key: str
    version_id: str
    size: int


@dataclass(frozen=True)
class ObjectVersion:
    """One object of a dataset. `key` is the full key in the bucket, `sha256` 64 hexadecimal digits."""

    channel: str
    key: str
    version_id: str
    size: int
    sha256: str


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
    def version(self) -> str:
        """`sha256:<hex>` over the canonical encoding: what a dataset version is called."""
        return digest_of_bytes(self.to_bytes())


@dataclass(frozen=True)
class ChannelSize:
    objects: int
    bytes: int


@dataclass(frozen=True)
class Dataset:
    """A sealed, pinned dataset version of a project; its manifest lies in S3 under `manifest_key`."""

    project: str
    version: str
    bucket: str
    channels: Mapping[str, ChannelSize]
    sealed_at: datetime

    @classmethod
    def of(cls, project: str, manifest: Manifest, sealed_at: datetime) -> Dataset:
        sizes: dict[str, ChannelSize] = {}
        for each in manifest.objects:
            sum_so_far = sizes.get(each.channel, ChannelSize(0, 0))
            sizes[each.channel] = ChannelSize(sum_so_far.objects + 1, sum_so_far.bytes + each.size)
        return cls(project, manifest.version, manifest.bucket, sizes, sealed_at)

    @property
    def objects(self) -> int:
        return sum(channel.objects for channel in self.channels.values())

    @property
    def bytes(self) -> int:
        return sum(channel.bytes for channel in self.channels.values())
