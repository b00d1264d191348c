from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from dropforge.adapters.sagemaker import described, is_absence, refusal_in
from dropforge.domain.training_job import JobState, JobStatus, StatusTransition
from dropforge.workflow.ports import BusyError, JobExistsError, NotAllowedError, QuotaTooLowError, RejectedError

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
EAST = timezone(timedelta(hours=2))
MINIMAL = {
    "TrainingJobName": "job",
    "TrainingJobArn": "arn:aws:sagemaker:us-east-1:111122223333:training-job/job",
    "TrainingJobStatus": "InProgress",
    "SecondaryStatus": "Starting",
    "CreationTime": NOON.astimezone(EAST),
}


def refused(code: str, message: str = "no") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "CreateTrainingJob")


def test_a_job_of_which_little_is_known_yet_is_described() -> None:
    job = described(cast("Any", MINIMAL))
    assert job.state == JobState(JobStatus.IN_PROGRESS, "Starting", NOON)
    assert (job.metrics, job.model_uri, job.failure_reason, job.billable_seconds) == ({}, None, None, None)


def test_a_finished_job_is_described_with_all_that_came_of_it() -> None:
    answer = MINIMAL | {
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "LastModifiedTime": NOON + timedelta(minutes=3),
        "TrainingStartTime": NOON + timedelta(minutes=1),
        "TrainingEndTime": NOON + timedelta(minutes=2),
        "BillableTimeInSeconds": 60,
        "FailureReason": "",
        "ModelArtifacts": {"S3ModelArtifacts": "s3://artifacts/model.tar.gz"},
        "FinalMetricDataList": [{"MetricName": "accuracy", "Value": 0.9583, "Timestamp": NOON}],
        "SecondaryStatusTransitions": [{"Status": "Starting", "StartTime": NOON}],
    }
    job = described(cast("Any", answer))
    assert job.state.modified_at == NOON + timedelta(minutes=3)
    assert job.metrics == {"accuracy": Decimal("0.9583")}
    assert job.transitions == (StatusTransition("Starting", NOON),)
    assert (job.model_uri, job.failure_reason, job.billable_seconds) == ("s3://artifacts/model.tar.gz", None, 60)


def test_a_job_that_is_being_deleted_counts_as_stopped() -> None:
    assert described(cast("Any", MINIMAL | {"TrainingJobStatus": "Deleting"})).state.status is JobStatus.STOPPED


def test_a_name_that_is_taken_is_a_job_that_exists() -> None:
    assert isinstance(refusal_in(refused("ResourceInUse")), JobExistsError)


@pytest.mark.parametrize(
    ("code", "throttled"),
    [("ThrottlingException", True), ("ResourceLimitExceeded", False), ("CapacityError", False)],
)
def test_throttling_quota_and_capacity_are_a_lack_of_room(code: str, throttled: bool) -> None:
    refusal = refusal_in(refused(code, "The account-level service limit 'x' is 8 Instances, with current utilization"))
    assert isinstance(refusal, BusyError)
    assert refusal.throttled is throttled


def test_a_quota_of_zero_is_no_lack_of_room() -> None:
    message = (
        "The account-level service limit 'ml.p3.2xlarge for training job usage' is 0 Instances, with current "
        "utilization of 0 Instances and a request delta of 1 Instances. Please use AWS Service Quotas to request an "
        "increase for this quota."
    )
    refusal = refusal_in(refused("ResourceLimitExceeded", message))
    assert isinstance(refusal, QuotaTooLowError)
    assert (refusal.quota, refusal.limit, refusal.wanted) == ("ml.p3.2xlarge for training job usage", 0, 1)


@pytest.mark.parametrize(("limit", "never"), [(2, True), (3, True), (4, False), (40, False)])
def test_a_quota_below_what_the_job_wants_by_itself_is_no_lack_of_room(*, limit: int, never: bool) -> None:
    message = (
        f"The account-level service limit 'ml.m5.large for spot training job usage' is {limit} Instances, with current "
        f"utilization of {limit - 1} Instances and a request delta of 4 Instances. Please use AWS Service Quotas"
    )
    refusal = refusal_in(refused("ResourceLimitExceeded", message))
    assert isinstance(refusal, QuotaTooLowError if never else BusyError)


def test_a_quota_of_ten_that_is_in_use_is_not_taken_for_zero() -> None:
    message = "The account-level service limit 'ml.m5.large for training job usage' is 10 Instances, with current"
    assert isinstance(refusal_in(refused("ResourceLimitExceeded", message)), BusyError)


def test_what_sagemaker_will_never_take_is_rejected() -> None:
    assert isinstance(refusal_in(refused("ValidationException", "2 validation errors detected")), RejectedError)


def test_a_role_that_may_not_create_jobs_is_told_apart_from_a_request_that_is_wrong() -> None:
    assert isinstance(refusal_in(refused("AccessDeniedException", "not authorized")), NotAllowedError)


@pytest.mark.parametrize("code", ["InternalFailure", "ExpiredTokenException"])
def test_an_error_that_is_no_answer_about_the_job_is_none_of_these(code: str) -> None:
    assert refusal_in(refused(code)) is None


def test_an_unknown_job_is_recognised_in_both_of_awss_ways() -> None:
    assert is_absence(refused("ResourceNotFound"))
    assert is_absence(refused("ValidationException", "Requested resource not found."))
    assert not is_absence(refused("ValidationException", "1 validation error detected"))
