"""How long the buckets in memory keep things: what was dropped by rules, like S3's, that a test sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from dropforge.domain.dataset import ListedObject
from dropforge.domain.keeping import (
    FOR_EVER,
    GONE,
    ExpiryRule,
    Kept,
    Span,
    VersionFate,
    span_of_version,
)
from dropforge.domain.training_job import ModelArtifact
from tests.fakes.memory_bucket import MemoryBucket


class MemoryLifespans:
    """Implements `ports.Lifespans`."""

    def __init__(self, bucket: MemoryBucket) -> None:
        self._bucket = bucket
        self.training_rules: tuple[ExpiryRule, ...] = ()
        self.log_days: int | None = None

    def of_dropped(self, objects: Sequence[ListedObject]) -> Mapping[ListedObject, Span]:
        return {each: span_of_version(self._fate(each), each.key, self.training_rules) for each in objects}

    def of_copies(self, keys: Sequence[str]) -> Mapping[str, Span]:
        return {key: self._of_artifact(key) for key in keys}

    def of_model(self, model: ModelArtifact) -> Span:
        return self._of_artifact(model.uri.removeprefix(f"s3://{self._bucket.artifacts_name}/"))

    def of_log(self, written_at: datetime) -> Span:
        return FOR_EVER if self.log_days is None else Span(Kept.UNTIL, written_at + timedelta(days=self.log_days))

    def _fate(self, listed: ListedObject) -> VersionFate | None:
        stored = self._bucket.versions[listed.key]
        for each, follower in zip(stored, [*stored[1:], None], strict=False):
            if each.version_id == listed.version_id:
                return VersionFate(each.at, follower.at if follower is not None else None, len(each.content or b""))
        return None

    def _of_artifact(self, key: str) -> Span:
        if key not in self._bucket.artifacts:
            return Span(Kept.GONE, self._bucket.deleted[key]) if key in self._bucket.deleted else GONE
        return FOR_EVER
