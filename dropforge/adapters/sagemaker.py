"""Training jobs on SageMaker: create, describe and stop by name; never list, which is limited to two calls a second.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import ClientError, ParamValidationError

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.logs import CloudWatchJobLogs
from dropforge.adapters.training_job_request import JobSurroundings, training_job_request
from dropforge.domain.errors import DropforgeError
from dropforge.domain.training_job import JobDescription, JobRequest, JobState, JobStatus, StatusTransition
from dropforge.workflow.ports import BusyError, JobExistsError, NotAllowedError, QuotaTooLowError, RejectedError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DescribeTrainingJobResponseTypeDef

_THROTTLED: Final = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"})
_NO_ROOM: Final = frozenset({"ResourceLimitExceeded", "CapacityError", "InsufficientCapacity"})
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})
_REJECTED: Final = frozenset({"ValidationException", "ValidationError", "ResourceNotFound"})
_RUNG: Final = re.compile(r"localaws: rung=(\S+)")
_QUOTA: Final = re.compile(r"service limit '([^']*)' is (\d+) Instances\b(?:.*\brequest delta of (\d+) Instances\b)?")
"""What ResourceLimitExceeded says: the quota's name, how much it is, and how much this job alone would add."""


class SageMakerJobs:
    """Implements `ports.TrainingJobs`. Each job is created in the stage's surroundings."""

    def __init__(self, clients: AwsClients, surroundings: JobSurroundings) -> None:
        self._clients = clients
        self._surroundings = surroundings

    def create(self, job: JobRequest) -> str:
        request = training_job_request(job, self._surroundings)
        try:
            return self._clients.sagemaker.create_training_job(**request)["TrainingJobArn"]
        except ParamValidationError as error:
            raise RejectedError(str(error)) from error
        except ClientError as error:
            refusal = refusal_in(error)
            if refusal is None:
                raise
            raise refusal from error

    def describe(self, name: str) -> JobDescription | None:
        try:
            answer = self._clients.sagemaker.describe_training_job(TrainingJobName=name)
        except ClientError as error:
            if is_absence(error):
                return None
            raise
        job = described(answer)
        return replace(job, where=self._where(name)) if job.state.status.is_terminal else job

    def tags(self, arn: str) -> Mapping[str, str]:
        pages = self._clients.sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn)
        return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}

    def stop(self, name: str) -> None:
        """Of a job that has ended, or that is not there, SageMaker says so; here that is no error."""
        try:
            self._clients.sagemaker.stop_training_job(TrainingJobName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"ValidationException", "ResourceNotFound"}:
                raise

    def _where(self, name: str) -> str:
        """AWS and region; of the local AWS also how it ran the job, which it writes first into the job's log."""
        region = self._clients.sagemaker.meta.region_name
        host = urlsplit(self._clients.sagemaker.meta.endpoint_url).hostname or ""
        if host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")):
            return f"AWS {region}"
        found = _RUNG.match(CloudWatchJobLogs(self._clients).first_line(name) or "")
        return f"local AWS {region}" + (f", in {found[1]}" if found else "")


def refusal_in(error: ClientError) -> DropforgeError | None:
    """What AWS's refusal of a new job means; None for an error that is no refusal of this job."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    if code == "ResourceInUse":
        return JobExistsError(message)
    if code == "ResourceLimitExceeded" and (too_low := _too_low(message)):
        return too_low
    if code in _THROTTLED | _NO_ROOM:
        return BusyError(message, throttled=code in _THROTTLED)
    if code in _DENIED:
        return NotAllowedError(message)
    return RejectedError(message) if code in _REJECTED else None


def _too_low(message: str) -> QuotaTooLowError | None:
    """A quota that is less than what the job wants by itself: no other job's end makes room for it."""
    found = _QUOTA.search(message)
    if found is None:
        return None
    limit, wanted = int(found[2]), int(found[3] or 1)
    return QuotaTooLowError(message, quota=found[1], limit=limit, wanted=wanted) if limit < wanted else None


def is_absence(error: ClientError) -> bool:
    """Of an unknown name AWS documents ResourceNotFound, and in practice sends a ValidationException that says so."""
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    return code == "ResourceNotFound" or (code == "ValidationException" and "not found" in message.lower())


def described(answer: DescribeTrainingJobResponseTypeDef) -> JobDescription:
    """What DescribeTrainingJob answers; all but name, ARN, status and times may be absent from it."""
    found: Mapping[str, Any] = answer
    return JobDescription(
        name=found["TrainingJobName"],
        arn=found["TrainingJobArn"],
        state=JobState(
            # A job that is being deleted has ended; which way is no longer told.
            status=JobStatus.STOPPED
            if found["TrainingJobStatus"] == "Deleting"
            else JobStatus(found["TrainingJobStatus"]),
            secondary=found.get("SecondaryStatus") or "",
            modified_at=_utc(found.get("LastModifiedTime") or found["CreationTime"]),
        ),
        transitions=tuple(
            StatusTransition(step["Status"], _utc(step["StartTime"]), step.get("StatusMessage") or "")
            for step in found.get("SecondaryStatusTransitions") or ()
        ),
        metrics={
            metric["MetricName"]: Decimal(str(metric["Value"])) for metric in found.get("FinalMetricDataList") or ()
        },
        model_uri=(found.get("ModelArtifacts") or {}).get("S3ModelArtifacts"),
        failure_reason=found.get("FailureReason") or None,
        billable_seconds=found.get("BillableTimeInSeconds"),
        started_at=_utc(found["TrainingStartTime"]) if found.get("TrainingStartTime") else None,
        ended_at=_utc(found["TrainingEndTime"]) if found.get("TrainingEndTime") else None,
    )


def _utc(time: datetime) -> datetime:
    return time.astimezone(UTC)
