"""How CodePipeline's API shows what it remembers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localaws.codepipeline.doors import waiting
from localaws.codepipeline.records import ActionExecution, Execution, Pipeline, StageExecution, instant
from localaws.service import ServiceError


def page(items: Sequence[Any], request: Mapping[str, Any], member: str, default: int) -> dict[str, Any]:
    """One page of a list under `member`, with a token where more is left."""
    token = request.get("nextToken", "0")
    if not token.isdigit() or int(token) > len(items):
        raise ServiceError("InvalidNextTokenException", "The next token is not one that this operation gave out.")
    start = int(token)
    end = start + int(request.get("maxResults", default))
    return {member: list(items[start:end])} | ({"nextToken": str(end)} if end < len(items) else {})


def pipeline_summary(pipeline: Pipeline) -> dict[str, Any]:
    """A PipelineSummary."""
    return {
        "name": pipeline.name,
        "version": pipeline.version,
        "pipelineType": pipeline.declaration["pipelineType"],
        "executionMode": pipeline.mode,
        "created": instant(pipeline.created),
        "updated": instant(pipeline.updated),
    }


def execution(item: Execution) -> dict[str, Any]:
    """A PipelineExecution."""
    return present(
        {
            "pipelineName": item.pipeline,
            "pipelineVersion": item.pipeline_version,
            "pipelineExecutionId": item.id,
            "status": item.status,
            "statusSummary": item.summary,
            "artifactRevisions": [_artifact_revision(revision) for revision in item.artifact_revisions.values()],
            "variables": [{"name": name, "resolvedValue": value} for name, value in item.variables.items()],
            "trigger": item.trigger,
            "executionMode": item.mode,
            "executionType": "STANDARD",
        }
    )


def execution_summary(item: Execution) -> dict[str, Any]:
    """A PipelineExecutionSummary."""
    return present(
        {
            "pipelineExecutionId": item.id,
            "status": item.status,
            "statusSummary": item.summary,
            "startTime": instant(item.started),
            "lastUpdateTime": instant(item.updated),
            "sourceRevisions": [
                {
                    "actionName": revision["action"],
                    "revisionId": revision["revisionId"],
                    "revisionSummary": revision["revisionSummary"],
                    "revisionUrl": revision["revisionUrl"],
                }
                for revision in item.artifact_revisions.values()
            ],
            "trigger": item.trigger,
            "stopTrigger": None if item.stop_reason is None else {"reason": item.stop_reason},
            "executionMode": item.mode,
            "executionType": "STANDARD",
        }
    )


def action_detail(item: ActionExecution, of: Execution) -> dict[str, Any]:
    """An ActionExecutionDetail."""
    return {
        "pipelineExecutionId": of.id,
        "actionExecutionId": item.id,
        "pipelineVersion": item.pipeline_version,
        "stageName": item.stage,
        "actionName": item.action,
        "startTime": instant(item.started),
        "lastUpdateTime": instant(item.updated),
        "status": item.status,
        "input": present(
            {
                "actionTypeId": item.type_id,
                "configuration": item.configuration,
                "resolvedConfiguration": item.resolved_configuration,
                "roleArn": item.role_arn,
                "region": item.region,
                "inputArtifacts": _artifacts(item.inputs),
                "namespace": item.namespace,
            }
        ),
        "output": {
            "outputArtifacts": _artifacts(item.outputs),
            "executionResult": present(
                {
                    "externalExecutionId": item.external_id,
                    "externalExecutionSummary": item.external_summary,
                    "externalExecutionUrl": item.external_url,
                    "errorDetails": _error(item),
                    "logStreamARN": item.log_stream_arn,
                }
            ),
            "outputVariables": item.variables,
        },
    }


def state(pipeline: Pipeline) -> dict[str, Any]:
    """The answer of GetPipelineState."""
    return {
        "pipelineName": pipeline.name,
        "pipelineVersion": pipeline.version,
        "stageStates": [_stage_state(pipeline, stage) for stage in pipeline.declaration["stages"]],
        "created": instant(pipeline.created),
        "updated": instant(pipeline.updated),
    }


def _stage_state(pipeline: Pipeline, stage: Mapping[str, Any]) -> dict[str, Any]:
    name = stage["name"]
    before = sorted(waiting(pipeline, name), key=lambda item: item.number)
    inbound = [{"pipelineExecutionId": item.id, "status": "InProgress", "type": "STANDARD"} for item in before]
    passed = [item for item in pipeline.newest_first() if name in item.stages]
    latest = next(iter(passed), None)
    return present(
        {
            "stageName": name,
            "inboundExecution": inbound[0] if inbound else None,
            "inboundExecutions": inbound,
            "inboundTransitionState": _transition(pipeline, name),
            "actionStates": [_action_state(passed, name, action["name"]) for action in stage["actions"]],
            "latestExecution": None if latest is None else _stage_execution(latest, name),
            "retryStageMetadata": None if latest is None else _retries(latest.stages[name]),
        }
    )


def _transition(pipeline: Pipeline, stage: str) -> dict[str, Any]:
    disabled = pipeline.disabled.get(f"{stage}/Inbound")
    if disabled is None:
        return {"enabled": True}
    return {
        "enabled": False,
        "disabledReason": disabled["reason"],
        "lastChangedAt": instant(disabled["at"]),
        "lastChangedBy": disabled["by"],
    }


def _stage_execution(item: Execution, stage: str) -> dict[str, Any]:
    shown = "Stopping" if item.status == "Stopping" else item.stages[stage].status
    return {"pipelineExecutionId": item.id, "status": shown, "type": "STANDARD"}


def _retries(stage: StageExecution) -> dict[str, Any] | None:
    if not stage.retry_trigger:
        return None
    return {"manualStageRetryAttempt": stage.attempt, "latestRetryTrigger": stage.retry_trigger}


def _action_state(passed: Sequence[Execution], stage: str, action: str) -> dict[str, Any]:
    """The state of an action: its last attempt in the newest execution that came to it."""
    for item in passed:
        attempt = item.latest(stage, action)
        if attempt is not None:
            return present({"actionName": action, "latestExecution": _attempt(attempt)} | _revision(item, attempt))
    return {"actionName": action}


def _attempt(item: ActionExecution) -> dict[str, Any]:
    return present(
        {
            "actionExecutionId": item.id,
            "status": item.status,
            "summary": item.external_summary,
            "lastStatusChange": instant(item.updated),
            "externalExecutionId": item.external_id,
            "externalExecutionUrl": item.external_url,
            "errorDetails": _error(item),
            "logStreamARN": item.log_stream_arn,
        }
    )


def _revision(of: Execution, attempt: ActionExecution) -> dict[str, Any]:
    for revision in of.artifact_revisions.values():
        if revision["action"] == attempt.action:
            current = {
                "revisionId": revision["revisionId"],
                "revisionChangeId": revision["revisionId"],
                "created": instant(revision["created"]),
            }
            return {"currentRevision": current, "revisionUrl": revision["revisionUrl"]}
    return {}


def _artifact_revision(revision: Mapping[str, Any]) -> dict[str, Any]:
    members = {name: revision[name] for name in ("name", "revisionId", "revisionSummary", "revisionUrl")}
    return {**members, "created": instant(revision["created"])}


def _artifacts(places: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    return [{"name": name, "s3location": dict(place)} for name, place in places.items()]


def _error(item: ActionExecution) -> dict[str, str] | None:
    return {"code": item.error_code, "message": item.error_message} if item.error_code else None


def present(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members that have a value: AWS leaves out what is empty."""
    return {name: value for name, value in members.items() if value not in (None, "", {}, [])}
