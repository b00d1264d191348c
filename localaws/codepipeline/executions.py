"""The life of an execution outside its stages: how it begins, stops, and is retried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localaws.codepipeline import doors
from localaws.codepipeline.records import Execution, Pipeline, new_id, now
from localaws.codepipeline.variables import pipeline_values
from localaws.githost import Commit
from localaws.githost.pushes import Push
from localaws.service import ServiceError

# "Quotas in AWS CodePipeline" (limits.html): executions that one QUEUED pipeline holds at a time.
_MAX_OPEN = 50


@dataclass(frozen=True)
class Cause:
    """Why an execution was begun: one of CodePipeline's trigger types, and its detail (an ARN)."""

    kind: str
    detail: str


def begin(pipeline: Pipeline, execution: Execution) -> Execution:
    """Add an execution to its pipeline, last in the order of arrival, before the first stage's door."""
    if len(pipeline.open_executions()) >= _MAX_OPEN:
        raise ServiceError(
            "ConcurrentPipelineExecutionsLimitExceededException",
            f"The pipeline {pipeline.name} holds {_MAX_OPEN} executions already: wait until some have ended.",
        )
    execution.number = 1 + max((item.number for item in pipeline.executions.values()), default=0)
    pipeline.executions[execution.id] = execution
    doors.arrive(pipeline, execution, pipeline.declaration["stages"][0]["name"])
    return execution


def begin_with_defaults(pipeline: Pipeline, cause: Cause) -> Execution | None:
    """Begin the execution with which a new pipeline starts; None where a variable has no default."""
    try:
        return begin(pipeline, _new(pipeline, cause, given=[]))
    except ValueError:
        return None


def requested(pipeline: Pipeline, request: Mapping[str, Any], cause: Cause) -> Execution:
    """The execution that StartPipelineExecution asks for: a new one, or the one that its client token began."""
    revisions = _revisions(pipeline, request.get("sourceRevisions", []))
    try:
        execution = _new(pipeline, cause, request.get("variables", []))
    except ValueError as error:
        raise ServiceError("ValidationException", str(error)) from error
    execution.revisions, execution.client_token = revisions, request.get("clientRequestToken")
    earlier = [item for item in pipeline.executions.values() if item.client_token == execution.client_token]
    if execution.client_token is None or not earlier:
        return execution
    if (earlier[0].variables, earlier[0].revisions) != (execution.variables, revisions):
        raise ServiceError(
            "ConflictException",
            f"The client token {execution.client_token} began execution {earlier[0].id} with other variables or "
            "revisions: use a token for one request only.",
        )
    return earlier[0]


def pushed(pipeline: Pipeline, action: Mapping[str, Any], push: Push, commit: Commit, provider: str) -> Execution:
    """The execution that a push asks for, on exactly the commit that was pushed."""
    arn = action["configuration"]["ConnectionArn"]
    try:
        execution = _new(pipeline, Cause("WebhookV2", arn), given=[])
    except ValueError as error:
        raise ServiceError("ValidationException", str(error)) from error
    execution.revisions = {action["name"]: push.commit}
    if push.branch is not None:
        execution.branches = {action["name"]: push.branch}
    execution.push = _told(push, commit, arn, provider)
    return execution


def stop(execution: Execution, request: Mapping[str, Any]) -> None:
    """Ask an execution to stop after its running actions, or without waiting for them."""
    abandon = bool(request.get("abandon", False))
    if execution.finished:
        raise ServiceError(
            "PipelineExecutionNotStoppableException",
            f"The execution {execution.id} is {execution.status} already: there is nothing to stop.",
        )
    if execution.status == "Stopping" and (execution.abandoned or not abandon):
        raise ServiceError("DuplicatedStopRequestException", f"The execution {execution.id} is stopping already.")
    execution.status, execution.abandoned = "Stopping", abandon
    execution.stop_reason, execution.updated = request.get("reason", ""), now()


def retry(pipeline: Pipeline, execution: Execution, stage: str, mode: str) -> None:
    """Make a failed stage of an execution ready to run again; mode is FAILED_ACTIONS or ALL_ACTIONS."""
    if pipeline.stage(stage) is None:
        raise ServiceError("StageNotFoundException", f"The pipeline {pipeline.name} has no stage named {stage}.")
    state = execution.stages.get(stage)
    if state is None or state.status not in {"Failed", "Stopped"} or execution.status not in {"Failed", "Stopped"}:
        raise ServiceError("StageNotRetryableException", f"Stage {stage} of {execution.id} has no failed action.")
    if execution.pipeline_version != pipeline.version:
        raise ServiceError(
            "StageNotRetryableException", f"The pipeline was updated since {execution.id} ran: start a new execution."
        )
    if any(item.number > execution.number and stage in item.stages for item in pipeline.executions.values()):
        raise ServiceError(
            "NotLatestPipelineExecutionException", f"A later execution has run stage {stage}: retry that one."
        )
    if stage in pipeline.occupants:
        raise ServiceError("ConflictException", f"Stage {stage} is running: retry when it has ended.")
    if mode == "ALL_ACTIONS":
        state.begun_at = len(execution.actions)
    state.status, state.attempt, state.retry_trigger = "InProgress", state.attempt + 1, "ManualStageRetry"
    execution.status, execution.summary, execution.abandoned = "InProgress", "", False
    execution.stop_reason, execution.updated = None, now()


def follow_update(pipeline: Pipeline) -> None:
    """Let executions that have not begun use a pipeline's new version; the others end with their running actions."""
    for execution in pipeline.open_executions():
        first = pipeline.declaration["stages"][0]["name"]
        if not execution.stages and execution.waiting_for == first:
            execution.pipeline_version, execution.mode = pipeline.version, pipeline.mode


def succeeded_in(execution: Execution, stage: str) -> bool:
    """Whether an execution came through a stage."""
    return stage in execution.stages and execution.stages[stage].status == "Succeeded"


def latest_of_each(details: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of action executions, newest first, the newest of each action."""
    first: dict[tuple[str, str], dict[str, Any]] = {}
    for detail in details:
        first.setdefault((detail["stageName"], detail["actionName"]), detail)
    return list(first.values())


def _new(pipeline: Pipeline, cause: Cause, given: Sequence[Mapping[str, Any]]) -> Execution:
    """An execution of the current version; raises ValueError where its variables are wrong."""
    variables = pipeline_values(pipeline.declaration.get("variables", []), given)
    trigger = {"triggerType": cause.kind, "triggerDetail": cause.detail}
    return Execution(new_id(), pipeline.name, pipeline.version, pipeline.mode, trigger, variables)


def _revisions(pipeline: Pipeline, overrides: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    sources = {action["name"] for action in pipeline.declaration["stages"][0]["actions"]}
    for override in overrides:
        if override["actionName"] not in sources:
            raise ServiceError(
                "ValidationException", f"{override['actionName']} is no source action of {pipeline.name}."
            )
        if override["revisionType"] != "COMMIT_ID":
            raise ServiceError(
                "ValidationException",
                f"Source action {override['actionName']} reads a repository: override it with a COMMIT_ID.",
            )
    return {override["actionName"]: override["revisionValue"] for override in overrides}


def _told(push: Push, commit: Commit, connection_arn: str, provider: str) -> dict[str, str]:
    """What the events of the execution say about the push; AWS gives them no trigger type."""
    ref = {"branch-name": push.branch} if push.branch is not None else {"tag-name": push.tag or ""}
    return {
        "author-display-name": commit.author_name,
        "full-repository-name": push.repository,
        "provider-type": provider,
        "author-email": commit.author_email,
        "commit-message": commit.message,
        "author-date": commit.author_date,
        **ref,
        "commit-id": commit.id,
        "connection-arn": connection_arn,
        "author-id": commit.author_name,
    }
