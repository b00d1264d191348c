"""What only the real buckets do: keep checksums, copy server-side, and be wrong."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.s3 import LARGEST_COPY, PinnedCopyError, S3DataBucket, whole_object_sha256
from dropforge.domain.dataset import ChecksumSource, ListedObject, ObjectVersion
from dropforge.domain.sealing import DatasetRefusedError
from tests.contract.conftest import LocalBucket

PINNED = "datasets/digits/00/train/a.csv"


@pytest.fixture
def bucket(local_aws: AwsClients) -> LocalBucket:
    return LocalBucket(local_aws)


def version_of(listed: ListedObject, content: bytes) -> ObjectVersion:
    return ObjectVersion("train", listed.key, listed.version_id, listed.size, hashlib.sha256(content).hexdigest())


@pytest.mark.local
def test_a_sha256_that_s3_keeps_for_the_whole_object_is_not_computed_again(
    bucket: LocalBucket, local_aws: AwsClients
) -> None:
    put = local_aws.s3.put_object(Bucket=bucket.training, Key="digits/a.csv", Body=b"a", ChecksumAlgorithm="SHA256")
    checksum = bucket.port.checksum(ListedObject("digits/a.csv", put["VersionId"], 1))
    assert (checksum.sha256, checksum.source) == (hashlib.sha256(b"a").hexdigest(), ChecksumSource.STORED)


@pytest.mark.local
def test_an_object_without_a_kept_sha256_is_read(bucket: LocalBucket) -> None:
    assert bucket.port.checksum(bucket.put("digits/a.csv", b"a")).source is ChecksumSource.COMPUTED


@pytest.mark.local
def test_an_object_uploaded_in_parts_is_read_whatever_checksum_its_parts_have(
    bucket: LocalBucket, local_aws: AwsClients
) -> None:
    content = b"x" * (5 << 20) + b"rest"
    in_parts = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    local_aws.s3.upload_fileobj(
        io.BytesIO(content), bucket.training, "digits/big.bin", {"ChecksumAlgorithm": "SHA256"}, Config=in_parts
    )
    (listed,) = bucket.port.current_objects("digits/")
    assert bucket.port.checksum(listed).sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.local
def test_a_copy_of_other_bytes_than_recorded_is_refused_and_does_not_count_as_pinned(bucket: LocalBucket) -> None:
    listed = bucket.put("digits/a.csv", b"a")
    with pytest.raises(PinnedCopyError, match=r"digits/a\.csv"):
        bucket.port.pin(version_of(listed, b"something else"), PINNED)
    assert bucket.port.pinned_keys("datasets/") == frozenset()
    bucket.port.pin(version_of(listed, b"a"), PINNED)
    assert bucket.port.pinned_keys("datasets/") == {PINNED}


@pytest.mark.local
def test_objects_and_copies_on_further_pages_are_listed_too(bucket: LocalBucket, local_aws: AwsClients) -> None:
    listed = [bucket.put(f"digits/{number}", b"x") for number in range(7)]
    for each in listed:
        bucket.port.pin(version_of(each, b"x"), f"datasets/{each.key}")

    def two_a_page(params: dict[str, Any], **_: Any) -> None:
        params["MaxKeys"] = 2
        pages.append(params["Bucket"])

    pages: list[str] = []
    operations = [f"before-parameter-build.s3.{name}" for name in ("ListObjectVersions", "ListObjectsV2")]
    for name in operations:
        local_aws.s3.meta.events.register(name, two_a_page)
    try:
        assert list(bucket.port.current_objects("digits/")) == listed
        assert bucket.port.pinned_keys("datasets/") == {f"datasets/{each.key}" for each in listed}
        assert len(pages) == 2 * 4
    finally:
        for name in operations:
            local_aws.s3.meta.events.unregister(name, two_a_page)


def test_an_object_larger_than_one_copy_may_be_is_refused_with_the_limit() -> None:
    port = S3DataBucket(AwsClients(), "training", "artifacts", "key")
    large = replace(version_of(ListedObject("digits/a.bin", "v1", 0), b""), size=LARGEST_COPY + 1)
    with pytest.raises(DatasetRefusedError, match="at most 5 GiB"):
        port.pin(large, PINNED)


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
