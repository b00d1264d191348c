"""What only the real buckets do: state checksums, copy in parts, page, and be wrong."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.s3_copies import PinnedCopyError, whole_object_sha256
from dropforge.domain.dataset import Checksum, ChecksumSource
from dropforge.domain.pinning import Pin
from tests.contract.conftest import PART_SIZE, LocalBucket
from tests.contract.test_data_bucket import copied, now

LARGE = b"a" * PART_SIZE + b"b" * PART_SIZE + b"rest"
PARTS = (b"a" * PART_SIZE, b"b" * PART_SIZE, b"rest")
OF_PARTS = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in PARTS)).hexdigest()


@pytest.fixture
def bucket(local_aws: AwsClients) -> LocalBucket:
    return LocalBucket(local_aws)


@pytest.mark.local
def test_an_object_uploaded_in_parts_and_copied_at_once_has_a_sha256_over_the_whole(
    bucket: LocalBucket, local_aws: AwsClients
) -> None:
    content = b"x" * (5 << 20) + b"rest"
    in_parts = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    local_aws.s3.upload_fileobj(
        io.BytesIO(content), bucket.training, "digits/big.bin", {"ChecksumAlgorithm": "SHA256"}, Config=in_parts
    )
    (listed,) = bucket.port.current_objects("digits/", now())
    pin = Pin(listed, "datasets/big.bin")
    assert copied(bucket, pin)[pin] == Checksum(hashlib.sha256(content).hexdigest(), ChecksumSource.COPIED)


@pytest.mark.local
def test_an_object_too_large_for_one_copy_is_copied_in_parts_whose_hashes_make_its_own(bucket: LocalBucket) -> None:
    pin = Pin(bucket.put("digits/large.bin", LARGE), "datasets/large.bin")
    assert copied(bucket, pin)[pin] == Checksum(OF_PARTS, ChecksumSource.PARTS, PART_SIZE)
    assert bucket.pinned("datasets/large.bin") == LARGE


@pytest.mark.local
def test_a_copy_in_parts_that_was_cut_off_goes_on_with_the_parts_that_are_missing(
    bucket: LocalBucket, local_aws: AwsClients
) -> None:
    listed, asked = bucket.put("digits/large.bin", LARGE), []
    pin = Pin(listed, "datasets/large.bin")

    def count(params: dict[str, Any], **_: Any) -> None:
        asked.append(params["PartNumber"])

    event = "before-parameter-build.s3.UploadPartCopy"
    local_aws.s3.meta.events.register(event, count)
    try:
        # Asked before the object and before each part: there is time for the object and for one part of it.
        time_left = iter([False, False])
        assert list(bucket.port.copy_all([pin], lambda: next(time_left, True))) == []
        assert copied(bucket, pin)[pin].sha256 == OF_PARTS
    finally:
        local_aws.s3.meta.events.unregister(event, count)
    assert sorted(asked) == [1, 2, 3]
    assert bucket.pinned("datasets/large.bin") == LARGE
    assert local_aws.s3.list_multipart_uploads(Bucket=bucket.artifacts).get("Uploads", []) == []


@pytest.mark.local
def test_a_copy_of_other_bytes_than_s3_keeps_the_hash_of_is_refused(bucket: LocalBucket, local_aws: AwsClients) -> None:
    listed = bucket.put_with_sha256("digits/a.csv", b"a")

    def lie(parsed: dict[str, Any], **_: Any) -> None:
        parsed["ChecksumSHA256"] = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="

    event = "after-call.s3.HeadObject"
    local_aws.s3.meta.events.register(event, lie)
    try:
        with pytest.raises(PinnedCopyError, match=r"digits/a\.csv"):
            copied(bucket, Pin(listed, "datasets/a.csv"))
    finally:
        local_aws.s3.meta.events.unregister(event, lie)


@pytest.mark.local
def test_objects_on_further_pages_are_listed_too_and_a_key_may_span_two(
    bucket: LocalBucket, local_aws: AwsClients
) -> None:
    listed = [bucket.put(f"digits/{number}", b"x") for number in range(6)]
    listed[1] = bucket.put("digits/1", b"newer")
    bucket.delete("digits/3")
    bucket.put("digits/4", b"newer")
    listed[4] = bucket.put("digits/4", b"newest")
    del listed[3]
    pages: list[str] = []

    def two_a_page(params: dict[str, Any], **_: Any) -> None:
        params["MaxKeys"] = 2
        pages.append(params["Bucket"])

    event = "before-parameter-build.s3.ListObjectVersions"
    local_aws.s3.meta.events.register(event, two_a_page)
    try:
        assert list(bucket.port.current_objects("digits/", now())) == listed
        assert len(pages) > 3
    finally:
        local_aws.s3.meta.events.unregister(event, two_a_page)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"ChecksumCRC64NVME": "abc=", "ChecksumType": "FULL_OBJECT"},
        {"ChecksumSHA256": "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "ChecksumType": "COMPOSITE"},
        {"ChecksumSHA256": "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=-2"},
    ],
)
def test_a_checksum_that_is_none_of_the_whole_object_is_not_taken_for_one(answer: dict[str, str]) -> None:
    assert whole_object_sha256(answer) is None
