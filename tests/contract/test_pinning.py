"""Sealing and pinning on the real buckets and tables: what a job would be given is what was dropped."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.clock import SystemClock
from dropforge.adapters.dynamodb.store import DynamoMetadataStore
from dropforge.adapters.dynamodb.tables import Tables
from dropforge.domain.artifact_layout import channel_files_key, manifest_key
from dropforge.domain.dataset import Dataset, ListedObject
from dropforge.domain.drop import ObjectDropped
from dropforge.domain.project import SealPolicy
from dropforge.workflow.accept_drop import accept_drop
from dropforge.workflow.ports import Ports
from dropforge.workflow.seal_dataset import Turn, seal_dataset
from tests.contract.conftest import LocalBucket
from tests.fakes.world import DIGITS, World, stage_of

pytestmark = pytest.mark.local

MANY = 1000
AWKWARD = [
    "a b",
    "a+b",
    "%2F",
    "a%2Fb",
    "\U0001f600",
    "\u00e9",
    "e\u0301",
    "tab\there",
    "quote'\"<>&\\",
    "new\nline",
    "~!@$^*(){}[]|;:,`",
    "a=b&c?d#e",
    "-rf",
    "...",
    "\u2028",
]


@pytest.fixture
def bucket(local_aws: AwsClients) -> LocalBucket:
    return LocalBucket(local_aws)


@pytest.fixture
def ports(bucket: LocalBucket, tables: Tables) -> Ports:
    """The real store and buckets; what else there is stays in memory."""
    stage = stage_of(replace(DIGITS, seal=SealPolicy(quiet_seconds=0)))
    return replace(World(stage).ports, store=DynamoMetadataStore(tables), bucket=bucket.port, clock=SystemClock())


def drop(ports: Ports, bucket: LocalBucket, key: str, content: bytes) -> ListedObject:
    listed = bucket.put(key, content)
    now = datetime.now(UTC)
    told = ObjectDropped(bucket.training, key, listed.version_id, listed.size, "", "AWS:ADA", "192.0.2.7", now)
    accept_drop(ports, told)
    return listed


def files_of(bucket: LocalBucket, dataset: Dataset, channel: str) -> Mapping[str, bytes]:
    """What SageMaker would read, by the list that a job is given."""
    folder, names = listed_for_a_job(bucket, dataset, channel)
    return {name: bucket.pinned(folder + name) for name in names}


def listed_for_a_job(bucket: LocalBucket, dataset: Dataset, channel: str) -> tuple[str, list[str]]:
    """The folder of the artifact bucket that SageMaker would read from, and what it would read there."""
    head, *names = json.loads(bucket.pinned(channel_files_key("digits", dataset.version, channel)))
    return head["prefix"].removeprefix(f"s3://{bucket.artifacts}/"), names


def sealed(ports: Ports, turn: Turn | None = None) -> Dataset:
    dataset = seal_dataset(ports, "digits", turn=turn)
    assert dataset is not None
    return dataset


def test_awkward_names_reach_the_job_as_they_are(ports: Ports, bucket: LocalBucket) -> None:
    for name in AWKWARD:
        drop(ports, bucket, f"digits/train/{name}", name.encode())
    dataset = sealed(ports)
    assert files_of(bucket, dataset, "train") == {name: name.encode() for name in AWKWARD}
    manifest = bucket.port.manifest(manifest_key("digits", dataset.version))
    assert manifest.version == dataset.version
    assert {each.sha256 for each in manifest.objects} == {hashlib.sha256(name.encode()).hexdigest() for name in AWKWARD}


def test_what_no_job_could_read_is_refused_with_every_reason_and_kept(ports: Ports, bucket: LocalBucket) -> None:
    long = "digits/" + "k" * 200 + "/" + ("\u00e9" * 99 + "/") * 4 + "x" * 20
    unfit = ["digits/train/a", "digits/train/a/b", "digits/train/../c", "digits/two words/d", long, "digits/empty"]
    for key in unfit:
        bucket.put(key, b"" if key == "digits/empty" else b"data")
    drop(ports, bucket, "digits/good", b"good")
    assert seal_dataset(ports, "digits") is None
    (notice,) = ports.store.notices(10)
    told = "\n".join([notice.sentence, *notice.details])
    assert "train/a would be a file and the folder of train/a/b at once" in told
    assert "digits/train/../c cannot be the path of a file" in told
    assert "the folder 'two words' of digits/two words/d cannot name a channel" in told
    assert "is too long to be copied below the dataset's prefix" in told
    assert "digits/empty is empty" in told
    kept = {each.key for each in bucket.port.current_objects("digits/", datetime.now(UTC) + timedelta(seconds=5))}
    assert kept == {*unfit, "digits/good"}
    assert ports.store.head("digits").data is None


def test_an_object_that_is_replaced_while_it_is_copied_is_copied_as_it_was(
    ports: Ports, bucket: LocalBucket, local_aws: AwsClients
) -> None:
    drop(ports, bucket, "digits/a", b"as it was")
    replaced: list[str] = []

    def replace_it(**_: object) -> None:
        if not replaced:
            replaced.append("digits/a")
            drop(ports, bucket, "digits/a", b"as it is")

    event = "before-parameter-build.s3.CopyObject"
    local_aws.s3.meta.events.register(event, replace_it)
    try:
        first = sealed(ports)
    finally:
        local_aws.s3.meta.events.unregister(event, replace_it)
    assert replaced
    assert files_of(bucket, first, "training") == {"a": b"as it was"}
    assert files_of(bucket, sealed(ports), "training") == {"a": b"as it is"}
    assert files_of(bucket, first, "training") == {"a": b"as it was"}


def test_a_thousand_objects_are_copied_once_through_several_calls_and_versions(
    ports: Ports, bucket: LocalBucket, local_aws: AwsClients
) -> None:
    for number in range(MANY):
        bucket.put(f"digits/{number}", b"%d" % number)
    drop(ports, bucket, "digits/last", b"last")
    copies: list[str] = []

    def count(params: Mapping[str, str], **_: object) -> None:
        copies.append(params["Key"])

    event = "before-parameter-build.s3.CopyObject"
    local_aws.s3.meta.events.register(event, count)
    try:
        short = Turn("first", datetime.now(UTC) + timedelta(seconds=0.5))
        assert seal_dataset(ports, "digits", turn=short) is None
        first = sealed(ports, Turn("second"))
        assert first.objects == MANY + 1
        # What was under way when the time was over may be copied again, and no more.
        assert len(copies) - len(set(copies)) <= 16 + 25
        before = len(copies)
        drop(ports, bucket, "digits/more", b"more")
        second = sealed(ports)
    finally:
        local_aws.s3.meta.events.unregister(event, count)
    assert copies[before:] == ["datasets/digits/pools/training/000000/more"]
    folder, earlier = listed_for_a_job(bucket, first, "training")
    same_folder, later = listed_for_a_job(bucket, second, "training")
    assert (len(earlier), len(later), same_folder) == (MANY + 1, MANY + 2, folder)
    assert [bucket.pinned(folder + name) for name in ("0", "999", "last", "more")] == [b"0", b"999", b"last", b"more"]
    assert bucket.pinned_below(folder) == {folder + name for name in later} > {folder + name for name in earlier}
