from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from dropforge.domain.dataset import UNKNOWN, Checksum, ChecksumSource, Dataset, ListedObject, Manifest, ObjectVersion
from dropforge.domain.pinning import ChannelFiles, Pin
from dropforge.workflow.ports import VersionGoneError
from tests.contract.conftest import InMemoryBucket, LocalBucket

Bucket = InMemoryBucket | LocalBucket
ODD_KEYS = [
    "digits/a b+c%2F.csv",
    "digits/caf\u00e9/cafe\u0301.csv",
    "digits/\U0001f33e.csv",
    "digits/a=b&c?d#e.csv",
    "digits/quote'\"<>&\\.csv",
    "digits/" + "k" * 1017,
]


def now() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=5)


def version_of(listed: ListedObject, content: bytes) -> ObjectVersion:
    return ObjectVersion("train", listed.key, listed.version_id, listed.size, hashlib.sha256(content).hexdigest())


def copied(bucket: Bucket, *pins: Pin) -> dict[Pin, Checksum]:
    return dict(bucket.port.copy_all(pins, lambda: False))


def test_only_the_latest_versions_below_the_prefix_are_current(bucket: Bucket) -> None:
    bucket.put("digits/a.csv", b"old")
    latest = bucket.put("digits/a.csv", b"newer")
    other = bucket.put("digits/b.csv", b"b")
    bucket.put("digits2/c.csv", b"c")
    assert list(bucket.port.current_objects("digits/", now())) == [latest, other]


def test_objects_come_in_the_order_of_their_keys_in_utf_8(bucket: Bucket) -> None:
    keys = ["digits/\uff5e", "digits/z", "digits/\U0001f33e", "digits/a/b", "digits/a", "digits/\u00e9", "digits/a-b"]
    for key in keys:
        bucket.put(key, b"data")
    bucket.delete("digits/z")
    there = [each.key for each in bucket.port.current_objects("digits/", now())]
    assert there == sorted(set(keys) - {"digits/z"}, key=str.encode)


def test_what_a_delete_marker_hides_is_not_current(bucket: Bucket) -> None:
    bucket.put("digits/a.csv", b"a")
    bucket.delete("digits/a.csv")
    assert list(bucket.port.current_objects("digits/", now())) == []


def test_what_was_put_again_after_its_deletion_is_current(bucket: Bucket) -> None:
    bucket.put("digits/a.csv", b"a")
    bucket.delete("digits/a.csv")
    again = bucket.put("digits/a.csv", b"again")
    assert list(bucket.port.current_objects("digits/", now())) == [again]


def test_a_prefix_is_listed_as_it_was_at_the_cut_off(bucket: Bucket) -> None:
    first = bucket.put("digits/a.csv", b"first")
    kept = bucket.put("digits/b.csv", b"kept")
    cut_off = datetime.now(UTC)
    time.sleep(1.1)
    bucket.put("digits/a.csv", b"second")
    bucket.put("digits/c.csv", b"late")
    bucket.delete("digits/b.csv")
    assert list(bucket.port.current_objects("digits/", cut_off)) == [first, kept]


@pytest.mark.parametrize("key", ODD_KEYS)
def test_the_very_version_is_copied_whatever_came_after_it(bucket: Bucket, key: str) -> None:
    old = bucket.put(key, b"old content")
    bucket.put(key, b"newer")
    pin = Pin(old, f"datasets/{key.removeprefix('digits')[:1000]}")
    known = copied(bucket, pin)
    assert known == {pin: Checksum(hashlib.sha256(b"old content").hexdigest(), ChecksumSource.COPIED)}
    assert bucket.pinned(pin.to_key) == b"old content"


def test_a_version_that_a_delete_marker_hides_is_still_copied(bucket: Bucket) -> None:
    pin = Pin(bucket.put("digits/a.csv", b"a"), "datasets/a.csv")
    bucket.delete("digits/a.csv")
    copied(bucket, pin)
    assert bucket.pinned("datasets/a.csv") == b"a"


def test_a_sha256_that_the_uploader_had_kept_is_compared_and_named_as_the_source(bucket: Bucket) -> None:
    pin = Pin(bucket.put_with_sha256("digits/a.csv", b"a"), "datasets/a.csv")
    assert copied(bucket, pin)[pin] == Checksum(hashlib.sha256(b"a").hexdigest(), ChecksumSource.STORED)


def test_many_objects_are_copied_each_to_its_key(bucket: Bucket) -> None:
    pins = [Pin(bucket.put(f"digits/{number}", b"%d" % number), f"datasets/{number}") for number in range(60)]
    assert copied(bucket, *pins).keys() == set(pins)
    assert [bucket.pinned(pin.to_key) for pin in pins] == [b"%d" % number for number in range(60)]


def test_nothing_new_is_begun_once_there_is_enough(bucket: Bucket) -> None:
    pin = Pin(bucket.put("digits/a.csv", b"a"), "datasets/a.csv")
    assert list(bucket.port.copy_all([pin], lambda: True)) == []


def test_a_version_that_was_deleted_for_good_is_told_apart_from_a_failure(bucket: Bucket) -> None:
    gone = bucket.put("digits/a.csv", b"a")
    bucket.put("digits/a.csv", b"newer")
    bucket.delete_version(gone)
    with pytest.raises(VersionGoneError, match=r"digits/a\.csv has no version"):
        copied(bucket, Pin(gone, "datasets/a.csv"))
    with pytest.raises(VersionGoneError):
        bucket.port.content(gone)


def test_what_is_left_in_place_has_the_sha256_that_s3_keeps_or_none(bucket: Bucket) -> None:
    kept, other = bucket.put_with_sha256("digits/a.csv", b"a"), bucket.put("digits/b.csv", b"b")
    assert dict(bucket.port.stored_checksums([kept, other])) == {
        kept: Checksum(hashlib.sha256(b"a").hexdigest(), ChecksumSource.STORED),
        other: UNKNOWN,
    }


def test_the_content_of_a_small_object_is_that_of_the_version(bucket: Bucket) -> None:
    old = bucket.put("digits/_MANIFEST", b'["a"]')
    bucket.put("digits/_MANIFEST", b'["b"]')
    assert bucket.port.content(old) == b'["a"]'


def test_a_manifest_comes_back_as_it_was_put(bucket: Bucket) -> None:
    versions = [version_of(bucket.put(key, b"x"), b"x") for key in ODD_KEYS]
    manifest = Manifest.of(bucket.port.name, versions)
    bucket.port.put_manifest("datasets/digits/00.json", manifest)
    bucket.port.put_manifest("datasets/digits/00.json", manifest)
    assert bucket.port.manifest("datasets/digits/00.json") == manifest


def test_a_channel_is_listed_for_the_job_as_sagemaker_reads_it(bucket: Bucket) -> None:
    names = tuple(key.removeprefix("digits/") for key in ODD_KEYS)
    bucket.port.put_channel_files("datasets/digits/00/train.json", ChannelFiles(False, "digits/", names))
    document = json.loads(bucket.pinned("datasets/digits/00/train.json"))
    assert document == [{"prefix": f"s3://{bucket.port.name}/digits/"}, *names]


@pytest.mark.parametrize("pinned", [True, False])
def test_what_a_channel_lists_comes_back_as_it_was_put(bucket: Bucket, pinned: bool) -> None:
    files = ChannelFiles(pinned, "digits/a?b#c/", ("caf\u00e9.csv", "x&y"))
    bucket.port.put_channel_files("datasets/digits/v1/train.json", files)
    assert bucket.port.channel_files("datasets/digits/v1/train.json") == files


def test_copies_that_are_gone_are_named_with_the_time_where_s3_tells_it(bucket: Bucket) -> None:
    pins = [Pin(bucket.put(f"digits/{name}", b"1"), f"datasets/pool/{name}") for name in ("kept", "deleted")]
    copied(bucket, *pins)
    bucket.delete_copy("datasets/pool/deleted")
    files = ChannelFiles(True, "datasets/pool/", ("deleted", "kept", "never"))
    gone = bucket.port.gone_copies(files)
    assert set(gone) == {"datasets/pool/deleted", "datasets/pool/never"}
    deleted_at = gone["datasets/pool/deleted"]
    assert deleted_at is not None
    assert abs(now() - deleted_at) < timedelta(minutes=1)
    assert gone["datasets/pool/never"] is None


def test_who_and_when_lie_beside_the_manifest(bucket: Bucket) -> None:
    dataset = Dataset.of("digits", Manifest.of(bucket.port.name, []), datetime(2026, 1, 31, tzinfo=UTC))
    bucket.port.put_origin("datasets/digits/00.origin.json", dataset)
    assert json.loads(bucket.pinned("datasets/digits/00.origin.json"))["sealed_at"] == "2026-01-31T00:00:00.000000Z"


def test_a_model_is_known_by_version_size_and_hash(bucket: Bucket) -> None:
    uri = bucket.put_model("runs/1/01/job/output/model.tar.gz", b"weights")
    model = bucket.port.model_artifact(uri, lambda: False)
    assert model is not None
    assert (model.uri, model.size, model.sha256) == (uri, 7, hashlib.sha256(b"weights").hexdigest())
    assert model.version_id


def test_a_job_that_left_no_model_has_none(bucket: Bucket) -> None:
    uri = bucket.put_model("runs/1/01/model.tar.gz", b"weights")
    assert bucket.port.model_artifact(uri.replace("01/model", "02/model"), lambda: False) is None


def test_a_model_that_takes_too_long_to_read_is_known_without_its_hash(bucket: Bucket) -> None:
    uri = bucket.put_model("runs/1/01/model.tar.gz", b"weights")
    model = bucket.port.model_artifact(uri, lambda: True)
    assert model is not None
    assert (model.size, model.sha256) == (7, None)
    assert model.version_id
