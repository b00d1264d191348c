from __future__ import annotations

import hashlib

import pytest

from dropforge.domain.dataset import ListedObject, Manifest, ObjectVersion
from tests.contract.conftest import InMemoryBucket, LocalBucket

Bucket = InMemoryBucket | LocalBucket
ODD_KEYS = ["digits/a b+c%2F.csv", "digits/caf\u00e9/cafe\u0301.csv", "digits/\U0001f33e.csv", "digits/a=b&c?d#e.csv"]


def version_of(listed: ListedObject, content: bytes) -> ObjectVersion:
    return ObjectVersion("train", listed.key, listed.version_id, listed.size, hashlib.sha256(content).hexdigest())


def test_only_the_latest_versions_below_the_prefix_are_current(bucket: Bucket) -> None:
    bucket.put("digits/a.csv", b"old")
    latest = bucket.put("digits/a.csv", b"newer")
    other = bucket.put("digits/b.csv", b"b")
    bucket.put("digits2/c.csv", b"c")
    assert list(bucket.port.current_objects("digits/")) == [latest, other]


def test_what_a_delete_marker_hides_is_not_current(bucket: Bucket) -> None:
    bucket.put("digits/a.csv", b"a")
    bucket.delete("digits/a.csv")
    assert list(bucket.port.current_objects("digits/")) == []


@pytest.mark.parametrize("key", ODD_KEYS)
def test_the_very_version_is_read_and_copied_whatever_came_after_it(bucket: Bucket, key: str) -> None:
    old = bucket.put(key, b"old content")
    bucket.put(key, b"newer")
    assert bucket.port.checksum(old).sha256 == hashlib.sha256(b"old content").hexdigest()
    pinned = f"datasets/digits/00/{key}"
    bucket.port.pin(version_of(old, b"old content"), pinned)
    assert bucket.pinned(pinned) == b"old content"
    assert bucket.port.pinned_keys("datasets/digits/00/") == {pinned}


def test_a_version_that_was_deleted_meanwhile_is_still_copied(bucket: Bucket) -> None:
    listed = bucket.put("digits/a.csv", b"a")
    bucket.delete("digits/a.csv")
    bucket.port.pin(version_of(listed, b"a"), "datasets/digits/00/train/a.csv")
    assert bucket.pinned("datasets/digits/00/train/a.csv") == b"a"


def test_nothing_is_pinned_below_another_prefix(bucket: Bucket) -> None:
    bucket.port.pin(version_of(bucket.put("digits/a.csv", b"a"), b"a"), "datasets/digits/00/train/a.csv")
    assert bucket.port.pinned_keys("datasets/digits/01/") == frozenset()


def test_a_manifest_comes_back_as_it_was_put(bucket: Bucket) -> None:
    versions = [version_of(bucket.put(key, b"x"), b"x") for key in ODD_KEYS]
    manifest = Manifest.of(bucket.port.name, versions)
    bucket.port.put_manifest("datasets/digits/00.json", manifest)
    bucket.port.put_manifest("datasets/digits/00.json", manifest)
    assert bucket.port.manifest("datasets/digits/00.json") == manifest


def test_a_model_is_known_by_version_size_and_hash(bucket: Bucket) -> None:
    uri = bucket.put_model("runs/1/01/job/output/model.tar.gz", b"weights")
    model = bucket.port.model_artifact(uri)
    assert model is not None
    assert (model.uri, model.size, model.sha256) == (uri, 7, hashlib.sha256(b"weights").hexdigest())
    assert model.version_id


def test_a_job_that_left_no_model_has_none(bucket: Bucket) -> None:
    uri = bucket.put_model("runs/1/01/model.tar.gz", b"weights")
    assert bucket.port.model_artifact(uri.replace("01/model", "02/model")) is None
