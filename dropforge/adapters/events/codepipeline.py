"""What CodePipeline says: a job for a Lambda action, and the end of an execution.

https://docs.aws.amazon.com/codepipeline/latest/userguide/actions-invoke-lambda-function.html and
https://docs.aws.amazon.com/codepipeline/latest/userguide/detect-state-changes-cloudwatch-events.html. A failed
execution's event carries no reason; who wants it asks CodePipeline.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from dropforge.adapters.events.members import EventError, instant, optional, parsed, required

NO_DATASET: Final = "none"
"""The pipeline variable's default: the execution was not started for data."""


@dataclass(frozen=True)
class ArtifactLocation:
    """Where in S3 CodePipeline left an action's input."""

    bucket: str
    key: str


@dataclass(frozen=True)
class BuildRegistration:
    """What the pipeline asks to register: what it itself knows, and where the build's own words lie."""

    project: str
    commit: str
    branch: str
    execution: str
    dataset_version: str | None
    artifact: ArtifactLocation


@dataclass(frozen=True)
class FailedExecution:
    """A pipeline execution that ended without an image."""

    pipeline: str
    execution: str
    at: datetime

    def project_of(self, deployment: str) -> str:
        """The project whose pipeline it is: pipelines are named `<deployment>-<project>`."""
        return self.pipeline.removeprefix(f"{deployment}-")


def job_id(event: Mapping[str, Any]) -> str:
    """By which the action is answered; read apart, so that a job whose parameters are wrong is answered as well."""
    return str(required(event, "CodePipeline.job", "id"))


def registration_in(event: Mapping[str, Any]) -> BuildRegistration:
    """Read a Lambda action's job; an EventError says what the pipeline's definition lacks."""
    data = required(event, "CodePipeline.job", "data")
    parameters = _user_parameters(optional(data, "actionConfiguration", "configuration", "UserParameters"))
    artifacts = optional(data, "inputArtifacts") or []
    if len(artifacts) != 1:
        raise EventError(f"The action has {len(artifacts)} input artifacts; it needs one, the build's image.json.")
    dataset_version = optional(parameters, "dataset")
    return BuildRegistration(
        project=required(parameters, "project"),
        commit=required(parameters, "commit"),
        branch=required(parameters, "branch"),
        execution=required(parameters, "execution"),
        dataset_version=None if dataset_version in {None, "", NO_DATASET} else dataset_version,
        artifact=ArtifactLocation(
            bucket=required(artifacts[0], "location", "s3Location", "bucketName"),
            key=required(artifacts[0], "location", "s3Location", "objectKey"),
        ),
    )


def failed_execution_in(body: str) -> FailedExecution | None:
    """The execution that an EventBridge event says has failed; None for news of any other state."""
    event = parsed(body)
    if optional(event, "detail", "state") != "FAILED":
        return None
    return FailedExecution(
        pipeline=required(event, "detail", "pipeline"),
        execution=required(event, "detail", "execution-id"),
        at=instant(required(event, "time")),
    )


def _user_parameters(text: str | None) -> Mapping[str, Any]:
    """UserParameters as an object: they may be absent, plain text, JSON, or JSON inside a JSON string."""
    value: object = text
    for _ in range(2):
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except json.JSONDecodeError:
                break
    if not isinstance(value, dict):
        raise EventError(
            "The action's UserParameters are not a JSON object with project, commit, branch, execution and dataset; "
            "the stacks write them: deploy the stage again."
        )
    return value
