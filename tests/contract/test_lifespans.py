"""How long S3 and CloudWatch Logs say that they keep things, after what people did to them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.lifespans import AwsLifespans
from dropforge.adapters.logs import TRAINING_JOBS_LOG_GROUP
from dropforge.domain.dataset import ListedObject
from dropforge.domain.keeping import FOR_EVER, GONE, Kept, Span, expiry
from dropforge.domain.training_job import ModelArtifact
from tests.contract.conftest import LocalBucket

pytestmark = pytest.mark.local
COPY = "datasets/digits/pools/training/000000/a b.csv"


@pytest.fixture
def bucket(local_aws: AwsClients) -> LocalBucket:
    return LocalBucket(local_aws)


@pytest.fixture
def lifespans(local_aws: AwsClients, bucket: LocalBucket) -> AwsLifespans:
    return AwsLifespans(local_aws, bucket.training, bucket.artifacts)


def rule(aws: AwsClients, bucket: str, *rules: Mapping[str, Any]) -> None:
    numbered = [{"ID": f"rule-{number}", "Status": "Enabled", **each} for number, each in enumerate(rules)]
    aws.s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": numbered})  # type: ignore[typeddict-item]


def last_written(aws: AwsClients, bucket: str, key: str) -> datetime:
    """By S3's own date, of a version or a delete marker."""
    answer = aws.s3.list_object_versions(Bucket=bucket, Prefix=key)
    return max(each["LastModified"] for each in (*answer.get("Versions", []), *answer.get("DeleteMarkers", [])))


def test_a_version_that_was_dropped_is_kept_for_ever_unless_a_rule_removes_what_is_replaced(
    local_aws: AwsClients, bucket: LocalBucket, lifespans: AwsLifespans
) -> None:
    current, replaced, hidden = (bucket.put(f"digits/{name}.csv", b"1\n") for name in ("a", "b", "c"))
    bucket.put("digits/b.csv.bak", b"not b\n")
    bucket.put(replaced.key, b"2\n")
    bucket.delete(hidden.key)
    gone = ListedObject("digits/a.csv", "never", 2)
    assert lifespans.of_dropped([current, replaced, hidden, gone]) == {
        current: FOR_EVER, replaced: FOR_EVER, hidden: FOR_EVER, gone: GONE,
    }  # fmt: skip
    rule(
        local_aws,
        bucket.training,
        {"Filter": {"Prefix": "digits/"}, "NoncurrentVersionExpiration": {"NoncurrentDays": 30}},
        {"Filter": {"Prefix": "cancer/"}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}},
        {"Filter": {"Tag": {"Key": "a", "Value": "b"}}, "NoncurrentVersionExpiration": {"NoncurrentDays": 2}},
        {"Filter": {"Prefix": ""}, "Status": "Disabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 3}},
    )
    assert AwsLifespans(local_aws, bucket.training, bucket.artifacts).of_dropped([current, replaced, hidden]) == {
        current: Span(Kept.WHILE_CURRENT, days=30),
        replaced: Span(Kept.UNTIL, expiry(last_written(local_aws, bucket.training, replaced.key), 30)),
        hidden: Span(Kept.UNTIL, expiry(last_written(local_aws, bucket.training, hidden.key), 30)),
    }


def test_a_copy_is_gone_once_it_is_deleted_and_a_model_stays_where_only_a_newer_one_hides_it(
    local_aws: AwsClients, bucket: LocalBucket, lifespans: AwsLifespans
) -> None:
    bucket.put_model(COPY, b"1\n")
    assert lifespans.of_copies([COPY, f"{COPY}x"]) == {COPY: FOR_EVER, f"{COPY}x": GONE}
    bucket.delete_copy(COPY)
    assert lifespans.of_copies([COPY]) == {COPY: Span(Kept.GONE, last_written(local_aws, bucket.artifacts, COPY))}
    uri = bucket.put_model("runs/1/01/model.tar.gz", b"model")
    model = bucket.port.model_artifact(uri, lambda: True)
    assert model is not None
    bucket.put_model("runs/1/01/model.tar.gz", b"another")
    assert lifespans.of_model(model) == FOR_EVER
    assert lifespans.of_model(ModelArtifact(uri, "never", 5)) == GONE


def test_a_rule_that_somebody_made_for_the_copies_is_found(local_aws: AwsClients, bucket: LocalBucket) -> None:
    bucket.put_model(COPY, b"1\n")
    rule(local_aws, bucket.artifacts, {"Filter": {"Prefix": "datasets/"}, "Expiration": {"Days": 90}})
    until = expiry(last_written(local_aws, bucket.artifacts, COPY), 90)
    lifespans = AwsLifespans(local_aws, bucket.training, bucket.artifacts)
    assert lifespans.of_copies([COPY]) == {COPY: Span(Kept.UNTIL, until)}


def test_a_rule_by_size_counts_for_objects_of_that_size_and_one_by_date_from_that_date(
    local_aws: AwsClients, bucket: LocalBucket
) -> None:
    small, large = f"{COPY}-small", f"{COPY}-large"
    bucket.put_model(small, b"1\n")
    bucket.put_model(large, b"1,2,3,4,5\n")
    day = datetime(2100, 1, 1, tzinfo=UTC)
    sizes = {"Prefix": "datasets/", "ObjectSizeGreaterThan": 2, "ObjectSizeLessThan": 11}
    rule(
        local_aws,
        bucket.artifacts,
        {"Filter": {"And": sizes}, "Expiration": {"Date": day}},
        {"Filter": {"ObjectSizeGreaterThan": 10}, "Expiration": {"Days": 1}},
    )
    lifespans = AwsLifespans(local_aws, bucket.training, bucket.artifacts)
    assert lifespans.of_copies([small, large]) == {small: FOR_EVER, large: Span(Kept.UNTIL, day)}


def test_a_log_is_kept_for_as_long_as_its_group_says(local_aws: AwsClients, lifespans: AwsLifespans) -> None:
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    try:
        local_aws.logs.create_log_group(logGroupName=TRAINING_JOBS_LOG_GROUP)
    except local_aws.logs.exceptions.ResourceAlreadyExistsException:
        local_aws.logs.delete_retention_policy(logGroupName=TRAINING_JOBS_LOG_GROUP)
    assert lifespans.of_log(noon) == FOR_EVER
    local_aws.logs.put_retention_policy(logGroupName=TRAINING_JOBS_LOG_GROUP, retentionInDays=30)
    assert lifespans.of_log(noon) == Span(Kept.UNTIL, noon + timedelta(days=30))
