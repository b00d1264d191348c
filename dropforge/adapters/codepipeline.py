"""Pipelines: starting a rebuild, why an execution failed, and the answer that a Lambda action owes.

A failed execution's event says nothing about why. The reason is put together from what CodePipeline keeps of the
failed action and, when that was a build, from CodeBuild's phases and the end of its log:
https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ListActionExecutions.html and
https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BuildPhase.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from dropforge.adapters.clients import AwsClients
from dropforge.domain.errors import DropforgeError
from dropforge.domain.head import Rebuild
from dropforge.workflow.ports import BuildFailure, BusyError, ConnectionPendingError

if TYPE_CHECKING:
    from mypy_boto3_codebuild.type_defs import BuildTypeDef
    from mypy_boto3_codepipeline.type_defs import ActionExecutionDetailTypeDef

DATASET_VARIABLE: Final = "dataset_version"
"""The pipeline variable that tells an execution for which data it was started."""

_BUSY: Final = frozenset({"ThrottlingException", "ConcurrentPipelineExecutionsLimitExceededException"})
REGISTER_STAGE: Final = "Register"
"""The stage whose one action is the function that registers the image."""
_CANNOT_BE_RETRIED: Final = frozenset(
    {"NotLatestPipelineExecutionException", "StageNotRetryableException", "ConflictException"}
)
_READ: Final = 200
_SHOWN: Final = 20
"""Lines of a build's log that are read from its end, and of these, those that are shown."""
_OF_CODEBUILD: Final = "[Container]"
"""With this CodeBuild's own lines begin; what the build's commands print does not."""
_COMMAND: Final = re.compile(r"Error while executing command: .*\. Reason: ", re.DOTALL)
"""CodeBuild repeats the whole command, which may be a program of many lines, before it says how the command ended."""
_LONGEST_MESSAGE: Final = 5_000
"""What PutJobFailureResult takes."""


class UnknownExecutionError(DropforgeError):
    """The pipeline knows nothing of this execution; CodePipeline keeps executions for a year."""


class CodePipelines:
    """The deployment's pipelines, each named `<deployment>-<project>`."""

    def __init__(self, clients: AwsClients, deployment: str, connection_arn: str | None = None) -> None:
        self._clients = clients
        self._deployment = deployment
        self._connection_arn = connection_arn

    def start_rebuild(self, rebuild: Rebuild) -> str:
        self._require_connection()
        try:
            answer = self._clients.codepipeline.start_pipeline_execution(
                name=self._pipeline(rebuild.project),
                clientRequestToken=rebuild.client_token,
                variables=[{"name": DATASET_VARIABLE, "value": rebuild.dataset_version}],
            )
        except ClientError as error:
            if (code := error.response["Error"]["Code"]) in _BUSY:
                raise BusyError(str(error), throttled=code == "ThrottlingException") from error
            raise
        return answer["pipelineExecutionId"]

    def started_at(self, project: str, execution_id: str) -> datetime:
        """When the execution's first action started, which is its source."""
        actions = self._actions(project, execution_id)
        return min(action["startTime"] for action in actions if "startTime" in action).astimezone(UTC)

    def retry_registration(self, project: str, execution_id: str) -> bool:
        """https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_RetryStageExecution.html"""
        try:
            self._clients.codepipeline.retry_stage_execution(
                pipelineName=self._pipeline(project),
                stageName=REGISTER_STAGE,
                pipelineExecutionId=execution_id,
                retryMode="FAILED_ACTIONS",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _CANNOT_BE_RETRIED:
                return self._is_registering(project, execution_id)
            raise
        return True

    def _is_registering(self, project: str, execution_id: str) -> bool:
        """Whoever asked for it may have been cut off before they could say so."""
        latest = self._actions(project, execution_id)[0]
        return latest.get("stageName") == REGISTER_STAGE and latest.get("status") == "InProgress"

    def why_failed(self, project: str, execution_id: str) -> BuildFailure:
        # Newest first: of a stage that was tried again, the last failure counts.
        action = next((each for each in self._actions(project, execution_id) if each.get("status") == "Failed"), None)
        if action is None:
            return BuildFailure("The pipeline keeps no failed action of this execution; it may have been stopped.")
        build = self._build(action)
        return build_failure(action, build, self._last_lines(build))

    def _pipeline(self, project: str) -> str:
        return f"{self._deployment}-{project}"

    def _require_connection(self) -> None:
        """A pipeline whose connection is pending starts, and then fails with a message that names no remedy."""
        if self._connection_arn is None:
            return
        connection = self._clients.codeconnections.get_connection(ConnectionArn=self._connection_arn)["Connection"]
        if connection.get("ConnectionStatus") == "PENDING":
            name = connection.get("ConnectionName", self._connection_arn)
            raise ConnectionPendingError(
                f"The connection {name} to the code host is still pending: complete it in the AWS console under "
                "Developer Tools, Settings, Connections."
            )

    def _actions(self, project: str, execution_id: str) -> list[ActionExecutionDetailTypeDef]:
        """What the execution has done, the newest first; at least its source."""
        pipelines = self._clients.codepipeline
        pages = pipelines.get_paginator("list_action_executions").paginate(
            pipelineName=self._pipeline(project), filter={"pipelineExecutionId": execution_id}
        )
        try:
            actions = [action for page in pages for action in page["actionExecutionDetails"]]
        except pipelines.exceptions.PipelineExecutionNotFoundException:
            actions = []
        if not actions:
            raise UnknownExecutionError(f"The pipeline of {project} knows no execution {execution_id}.")
        return actions

    def _build(self, action: ActionExecutionDetailTypeDef) -> BuildTypeDef | None:
        build_id = action.get("output", {}).get("executionResult", {}).get("externalExecutionId")
        if action.get("input", {}).get("actionTypeId", {}).get("provider") != "CodeBuild" or not build_id:
            return None
        return next(iter(self._clients.codebuild.batch_get_builds(ids=[build_id]).get("builds", [])), None)

    def _last_lines(self, build: BuildTypeDef | None) -> list[str]:
        where = {} if build is None else build.get("logs", {})
        group, stream = where.get("groupName"), where.get("streamName")
        if not group or not stream:
            return []
        logs = self._clients.logs
        try:
            answer = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=False, limit=_READ)
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"].rstrip("\r\n") for event in answer["events"]]


class PipelineJob:
    """A Lambda action's job: its pipeline waits until it is answered, one way or the other; the first answer counts."""

    def __init__(self, clients: AwsClients, job_id: str) -> None:
        self._clients = clients
        self._job_id = job_id

    def succeed(self, variables: Mapping[str, str]) -> None:
        """Let the pipeline go on; the variables are seen in its history."""
        pipelines = self._clients.codepipeline
        with suppress(pipelines.exceptions.InvalidJobStateException):
            pipelines.put_job_success_result(jobId=self._job_id, outputVariables=variables)

    def fail(self, reason: str) -> None:
        """Fail the action with a sentence that its history shows."""
        pipelines = self._clients.codepipeline
        with suppress(pipelines.exceptions.InvalidJobStateException):
            pipelines.put_job_failure_result(
                jobId=self._job_id, failureDetails={"type": "JobFailed", "message": reason[:_LONGEST_MESSAGE]}
            )


def build_failure(
    action: ActionExecutionDetailTypeDef, build: BuildTypeDef | None, lines: Sequence[str]
) -> BuildFailure:
    """The failed action's reason in its own words; of a build, with what its commands printed last."""
    printed = [line for line in lines if line.strip() and not line.startswith(_OF_CODEBUILD)][-_SHOWN:]
    words = (_phase_message(build) or _action_message(action)).strip() or "it failed and left no reason"
    last = f"; the last line of its log: {printed[-1].strip()}" if printed else ""
    where = f"{action.get('stageName', '?')}/{action.get('actionName', '?')}"
    return BuildFailure(f"{where}: {words}{last}", tuple(printed))


def _action_message(action: ActionExecutionDetailTypeDef) -> str:
    result = action.get("output", {}).get("executionResult", {})
    return result.get("errorDetails", {}).get("message") or result.get("externalExecutionSummary", "")


def _phase_message(build: BuildTypeDef | None) -> str:
    """What CodeBuild says of the phase that failed; empty when nothing was built or nothing is said."""
    for phase in [] if build is None else build.get("phases", []):
        said = [context["message"] for context in phase.get("contexts", []) if context.get("message")]
        if phase.get("phaseStatus") in {"FAILED", "FAULT", "TIMED_OUT", "CLIENT_ERROR"} and said:
            return f"{phase.get('phaseType', 'a phase')}: {_COMMAND.sub('a command ended with ', ' '.join(said))}"
    return ""
