"""One training job as the service remembers it, and how each of its answers shows it.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ENDED = frozenset({"Completed", "Failed", "Stopped"})
FAILURE_LIMIT = 1024

_MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Stopping": "Stopping the training job",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}
_STATUS = {
    "Stopping": "Stopping",
    "Completed": "Completed",
    "Failed": "Failed",
    "Stopped": "Stopped",
    "MaxRuntimeExceeded": "Stopped",
}
_ECHOED = (
    "HyperParameters", "AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig", "ResourceConfig",
    "VpcConfig", "StoppingCondition", "CheckpointConfig", "Environment", "RetryStrategy", "ProfilerConfig",
)  # fmt: skip


@dataclass
class TrainingJob:
    """The request, and what became of it. `SecondaryStatus` moves; `TrainingJobStatus` follows from it."""

    arn: str
    request: dict[str, Any]
    created: dt.datetime
    modified: dt.datetime
    tags: dict[str, str]
    status: str = "InProgress"
    secondary: str = ""
    transitions: list[dict[str, Any]] = field(default_factory=list)
    started: dt.datetime | None = None
    ended: dt.datetime | None = None
    failure: str | None = None
    metrics: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: str = ""
    """The secondary status that was last announced."""

    @property
    def name(self) -> str:
        """The job's name, unique in account and region."""
        name: str = self.request["TrainingJobName"]
        return name

    @property
    def instance_type(self) -> str:
        """The instance type that was asked for."""
        instance_type: str = self.request["ResourceConfig"]["InstanceType"]
        return instance_type

    @property
    def instances(self) -> int:
        """How many instances were asked for."""
        count: int = self.request["ResourceConfig"]["InstanceCount"]
        return count

    @property
    def mark(self) -> tuple[Any, ...]:
        """What differs whenever anything of the job does."""
        return (self.modified, self.secondary, self.told, tuple(self.tags.items()))

    @property
    def output(self) -> str:
        """The S3 URI below which everything lies that the job leaves behind."""
        return f"{self.request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self.name}/output"

    @property
    def compressed(self) -> bool:
        """Whether model and output are archives, which they are unless the request says otherwise."""
        return bool(self.request["OutputDataConfig"].get("CompressionType", "GZIP") == "GZIP")

    @property
    def model(self) -> str:
        """Where the model is, or would be: the API says so from the start, and of failed jobs too."""
        return f"{self.output}/model{'.tar.gz' if self.compressed else '/'}"

    def move(self, secondary: str, now: dt.datetime) -> None:
        """Enter a secondary status; the one before it ends in the same moment."""
        if self.transitions:
            self.transitions[-1]["EndTime"] = now
        self.transitions.append({"Status": secondary, "StartTime": now, "StatusMessage": _MESSAGES[secondary]})
        self.secondary = secondary
        self.status = _STATUS.get(secondary, self.status)
        self.modified = now
        if secondary == "Downloading":
            self.started = now
        if self.status in ENDED:
            self.transitions[-1]["EndTime"] = now
            self.ended = now

    def fail(self, reason: str, now: dt.datetime) -> None:
        """End the job as failed."""
        self.failure = reason[:FAILURE_LIMIT]
        self.move("Failed", now)

    @property
    def billable_seconds(self) -> int | None:
        """Seconds between the start on the instance and the end, begun ones counted; None until both are known."""
        if self.started is None or self.ended is None:
            return None
        return max(1, math.ceil((self.ended - self.started).total_seconds()))

    def described(self) -> dict[str, Any]:
        """Return the response of DescribeTrainingJob."""
        request = self.request
        return {
            "TrainingJobName": self.name,
            "TrainingJobArn": self.arn,
            "ModelArtifacts": {"S3ModelArtifacts": self.model},
            "TrainingJobStatus": self.status,
            "SecondaryStatus": self.secondary,
            "FailureReason": self.failure,
            **{member: request.get(member) for member in _ECHOED},
            "CreationTime": self.created,
            "TrainingStartTime": self.started,
            "TrainingEndTime": self.ended,
            "LastModifiedTime": self.modified,
            "SecondaryStatusTransitions": [dict(transition) for transition in self.transitions],
            "FinalMetricDataList": [dict(metric) for metric in self.metrics.values()] or None,
            "EnableNetworkIsolation": request.get("EnableNetworkIsolation", False),
            "EnableInterContainerTrafficEncryption": request.get("EnableInterContainerTrafficEncryption", False),
            "EnableManagedSpotTraining": False,
            "TrainingTimeInSeconds": self.billable_seconds,
            "BillableTimeInSeconds": self.billable_seconds,
            "ProfilingStatus": "Disabled",
        }

    def summary(self) -> dict[str, Any]:
        """Return the job as ListTrainingJobs shows it."""
        return {
            "TrainingJobName": self.name,
            "TrainingJobArn": self.arn,
            "CreationTime": self.created,
            "TrainingEndTime": self.ended,
            "LastModifiedTime": self.modified,
            "TrainingJobStatus": self.status,
            "SecondaryStatus": self.secondary,
        }

    def event_detail(self) -> dict[str, Any]:
        """Return the detail of a "SageMaker Training Job State Change" event: times in epoch milliseconds, tags a map.

        https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
        """
        shown = self.described()
        for member in ("TrainingTimeInSeconds", "BillableTimeInSeconds", "ProfilingStatus", "RetryStrategy"):
            shown.pop(member)
        detail: dict[str, Any] = _in_milliseconds({name: value for name, value in shown.items() if value is not None})
        return {**detail, "Tags": dict(self.tags)}


def _in_milliseconds(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return int(value.timestamp() * 1000)
    if isinstance(value, Mapping):
        return {name: _in_milliseconds(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_in_milliseconds(item) for item in value]
    return value
