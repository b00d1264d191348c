"""The training and the artifact bucket in memory, with versions and delete markers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from dropforge.domain.dataset import Checksum, ChecksumSource, ListedObject, Manifest, ObjectVersion
from dropforge.domain.training_job import ModelArtifact


@dataclass(frozen=True)
class StoredVersion:
    """`content` is None for a delete marker."""

    version_id: str
    content: bytes | None


class MemoryBucket:
    """Implements `ports.DataBucket`."""

    name = "training-bucket"
    artifacts_name = "artifact-bucket"

    def __init__(self) -> None:
        self.versions: dict[str, list[StoredVersion]] = {}
        self.artifacts: dict[str, bytes] = {}
        self.copies: list[str] = []
        """Every key that was copied, each time that it was."""

    def put(self, key: str, content: bytes) -> ListedObject:
        return self._add(key, content)

    def delete(self, key: str) -> ListedObject:
        return self._add(key, None)

    def _add(self, key: str, content: bytes | None) -> ListedObject:
        stored = self.versions.setdefault(key, [])
        version_id = f"{key}@{len(stored) + 1}"
        stored.append(StoredVersion(version_id, content))
        return ListedObject(key, version_id, len(content or b""))

    def current_objects(self, prefix: str) -> Iterator[ListedObject]:
        for key, stored in sorted(self.versions.items()):
            latest = stored[-1]
            if key.startswith(prefix) and latest.content is not None:
                yield ListedObject(key, latest.version_id, len(latest.content))

    def checksum(self, listed: ListedObject) -> Checksum:
        content = self._content(listed.key, listed.version_id)
        return Checksum(hashlib.sha256(content).hexdigest(), ChecksumSource.COMPUTED)

    def pinned_keys(self, prefix: str) -> frozenset[str]:
        return frozenset(key for key in self.artifacts if key.startswith(prefix))

    def pin(self, version: ObjectVersion, to_key: str) -> None:
        self.artifacts[to_key] = self._content(version.key, version.version_id)
        self.copies.append(to_key)

    def put_manifest(self, key: str, manifest: Manifest) -> None:
        self.artifacts[key] = manifest.to_bytes()

    def manifest(self, key: str) -> Manifest:
        return Manifest.from_bytes(self.artifacts[key])

    def put_model(self, key: str, content: bytes) -> str:
        """What a job leaves; returns its URI."""
        self.artifacts[key] = content
        return f"s3://{self.artifacts_name}/{key}"

    def model_artifact(self, uri: str) -> ModelArtifact | None:
        content = self.artifacts.get(uri.removeprefix(f"s3://{self.artifacts_name}/"))
        if content is None:
            return None
        return ModelArtifact(uri, "1", len(content), hashlib.sha256(content).hexdigest())

    def _content(self, key: str, version_id: str) -> bytes:
        content = next(each.content for each in self.versions[key] if each.version_id == version_id)
        assert content is not None
        return content
