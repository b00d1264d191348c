"""The training and the artifact bucket in memory, with versions and delete markers."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from dropforge.domain.dataset import UNKNOWN, Checksum, ChecksumSource, Dataset, ListedObject, Manifest
from dropforge.domain.encoding import encode
from dropforge.domain.pinning import ChannelFiles, Pin
from dropforge.domain.training_job import ModelArtifact
from dropforge.workflow.ports import VersionGoneError

_manifest_of = lru_cache(maxsize=1024)(Manifest.from_bytes)
"""Every sweep reads that of the latest data again."""


@dataclass(frozen=True)
class StoredVersion:
    """`content` is None for a delete marker; `at` has whole seconds, as S3 dates what it lists."""

    version_id: str
    content: bytes | None
    at: datetime


class MemoryBucket:
    """Implements `ports.DataBucket`."""

    name = "training-bucket"
    artifacts_name = "artifact-bucket"

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self.versions: dict[str, list[StoredVersion]] = {}
        self._put: Counter[str] = Counter()
        """How many versions each key has had: one that was deleted for good does not give its id to another."""
        self.artifacts: dict[str, bytes] = {}
        self.deleted: dict[str, datetime] = {}
        """When copies were deleted."""
        self.copies: list[str] = []
        """Every key that was copied, each time that it was."""
        self.kept_checksums: set[str] = set()
        """Keys of which the uploader asked S3 to keep a SHA-256."""
        self.while_reading: Callable[[], object] = lambda: None
        """What happens while a byte of a model is read."""

    def put(self, key: str, content: bytes) -> ListedObject:
        return self._add(key, content)

    def delete(self, key: str) -> ListedObject:
        return self._add(key, None)

    def delete_version(self, listed: ListedObject) -> None:
        """For good, as only somebody with the right to do so can."""
        kept = [each for each in self.versions[listed.key] if each.version_id != listed.version_id]
        self.versions[listed.key] = kept

    def _add(self, key: str, content: bytes | None) -> ListedObject:
        stored = self.versions.setdefault(key, [])
        self._put[key] += 1
        version_id = f"{key}@{self._put[key]}"
        stored.append(StoredVersion(version_id, content, self._now().replace(microsecond=0)))
        return ListedObject(key, version_id, len(content or b""))

    def current_objects(self, prefix: str, at: datetime) -> Iterator[ListedObject]:
        for key, stored in sorted(self.versions.items()):
            if not key.startswith(prefix):
                continue
            latest = next((each for each in reversed(stored) if each.at <= at), None)
            if latest is not None and latest.content is not None:
                yield ListedObject(key, latest.version_id, len(latest.content))

    def content(self, listed: ListedObject) -> bytes:
        return self._content(listed)

    def copy_all(self, pins: Iterable[Pin], enough: Callable[[], bool]) -> Iterator[tuple[Pin, Checksum]]:
        for pin in pins:
            if enough():
                return
            content = self._content(pin.listed)
            self.artifacts[pin.to_key] = content
            self.copies.append(pin.to_key)
            source = ChecksumSource.STORED if pin.listed.key in self.kept_checksums else ChecksumSource.COPIED
            yield pin, Checksum(hashlib.sha256(content).hexdigest(), source)

    def stored_checksums(self, objects: Iterable[ListedObject]) -> Iterator[tuple[ListedObject, Checksum]]:
        for each in objects:
            content = self._content(each)
            stored = Checksum(hashlib.sha256(content).hexdigest(), ChecksumSource.STORED)
            yield each, stored if each.key in self.kept_checksums else UNKNOWN

    def put_channel_files(self, key: str, files: ChannelFiles) -> None:
        bucket = self.artifacts_name if files.pinned else self.name
        document = [{"prefix": f"s3://{bucket}/{files.prefix}"}, *files.names]
        self.artifacts[key] = json.dumps(document).encode()

    def channel_files(self, key: str) -> ChannelFiles:
        head, *names = json.loads(self.artifacts[key])
        bucket, _, prefix = head["prefix"].removeprefix("s3://").partition("/")
        return ChannelFiles(bucket == self.artifacts_name, prefix, tuple(names))

    def gone_copies(self, files: ChannelFiles) -> Mapping[str, datetime | None]:
        keys = [files.prefix + name for name in files.names]
        return {key: self.deleted.get(key) for key in keys if key not in self.artifacts}

    def delete_copy(self, key: str) -> None:
        del self.artifacts[key]
        self.deleted[key] = self._now()

    def put_origin(self, key: str, dataset: Dataset) -> None:
        self.artifacts[key] = json.dumps(encode(dataset)).encode()

    def files_of(self, key: str) -> dict[str, bytes]:
        """What a job would be given: each object under its name in the channel."""
        head, *names = json.loads(self.artifacts[key])
        bucket, _, prefix = head["prefix"].removeprefix("s3://").partition("/")
        if bucket == self.artifacts_name:
            return {name: self.artifacts[prefix + name] for name in names}
        return {name: self.versions[prefix + name][-1].content or b"" for name in names}

    def put_manifest(self, key: str, manifest: Manifest) -> None:
        self.artifacts[key] = manifest.to_bytes()

    def manifest(self, key: str) -> Manifest:
        return _manifest_of(self.artifacts[key])

    def put_model(self, key: str, content: bytes) -> str:
        """What a job leaves; returns its URI."""
        self.artifacts[key] = content
        return f"s3://{self.artifacts_name}/{key}"

    def model_artifact(self, uri: str, enough: Callable[[], bool]) -> ModelArtifact | None:
        content = self.artifacts.get(uri.removeprefix(f"s3://{self.artifacts_name}/"))
        if content is None:
            return None
        digest = hashlib.sha256()
        for byte in content:
            self.while_reading()
            if enough():
                return ModelArtifact(uri, "1", len(content))
            digest.update(bytes([byte]))
        return ModelArtifact(uri, "1", len(content), digest.hexdigest())

    def _content(self, listed: ListedObject) -> bytes:
        for each in self.versions[listed.key]:
            if each.version_id == listed.version_id and each.content is not None:
                return each.content
        raise VersionGoneError(f"{listed.key} has no version {listed.version_id} any more")
