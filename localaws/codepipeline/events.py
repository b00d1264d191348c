"""What CodePipeline tells the event bus.

Follows "Monitoring CodePipeline events" of the user guide (detect-state-changes-cloudwatch-events.html): three detail
types, numbers as decimals, no reason on a failed pipeline. Events are best effort on AWS: nothing may depend on them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from localaws.codepipeline.records import ActionExecution, Execution, StageExecution, instant, now

log = logging.getLogger("localaws")

Publish = Callable[[str, str, Mapping[str, Any], Sequence[str]], None]

_STATES = {
    "InProgress": "STARTED",
    "Succeeded": "SUCCEEDED",
    "Failed": "FAILED",
    "Stopping": "STOPPING",
    "Stopped": "STOPPED",
    "Superseded": "SUPERSEDED",
    "Cancelled": "CANCELED",
    "Abandoned": "ABANDONED",
}


class Announcer:
    """Puts the state changes of pipelines, stages and actions on the bus."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish

    def execution_changed(self, arn: str, execution: Execution, *, resumed: bool = False) -> None:
        """An execution started, ended, or was resumed by a retry."""
        state = "RESUMED" if resumed else _STATES[execution.status]
        detail = _of_execution(execution, execution.started, attempt=1 + _retries(execution)) | {"state": state}
        if execution.push and state in {"STARTED", "SUCCEEDED", "FAILED"}:
            detail["execution-trigger"] = dict(execution.push)
        elif state == "STARTED":
            detail["execution-trigger"] = {
                "trigger-type": execution.trigger["triggerType"],
                "trigger-detail": execution.trigger["triggerDetail"],
            }
        if execution.stop_reason is not None and state in {"STOPPING", "STOPPED"}:
            detail["stop-execution-comments"] = execution.stop_reason
        self._put("Pipeline", arn, detail)

    def stage_changed(self, arn: str, execution: Execution, stage: StageExecution, *, resumed: bool = False) -> None:
        """A stage of an execution started, ended, or was resumed by a retry."""
        detail = _of_execution(execution, execution.started, attempt=stage.attempt) | {
            "stage": stage.name,
            "state": "RESUMED" if resumed else _STATES[stage.status],
        }
        if resumed:
            detail["stage-last-retry-attempt-time"] = _iso(now())
        self._put("Stage", arn, detail)

    def action_changed(self, arn: str, execution: Execution, action: ActionExecution) -> None:
        """One attempt at an action started or ended."""
        detail = _of_execution(execution, action.started, attempt=1 + _retries(execution)) | {
            "stage": action.stage,
            "action-execution-id": action.id,
            "action": action.action,
            "state": _STATES[action.status],
            "region": action.region,
            "type": dict(action.type_id),
        }
        for member, artifacts in (("input-artifacts", action.inputs), ("output-artifacts", action.outputs)):
            if artifacts:
                detail[member] = [{"name": name, "s3location": dict(place)} for name, place in artifacts.items()]
        if result := _result(action):
            detail["execution-result"] = result
        self._put("Action", arn, detail)

    def _put(self, subject: str, arn: str, detail: Mapping[str, Any]) -> None:
        try:
            self._publish("aws.codepipeline", f"CodePipeline {subject} Execution State Change", detail, [arn])
        except TimeoutError:
            log.warning("the bus took no %s event of %s in time; the pipeline goes on", subject.lower(), arn)


def _of_execution(execution: Execution, started: float, attempt: int) -> dict[str, Any]:
    return {
        "pipeline": execution.pipeline,
        "execution-id": execution.id,
        "start-time": _iso(started),
        "version": float(execution.pipeline_version),
        "pipeline-execution-attempt": float(attempt),
    }


def _retries(execution: Execution) -> int:
    return max((stage.attempt for stage in execution.stages.values()), default=0)


def _result(action: ActionExecution) -> dict[str, str]:
    if action.status not in {"Succeeded", "Failed"}:
        return {}
    result = {
        "external-execution-url": action.external_url,
        "external-execution-summary": action.error_message or action.external_summary,
        "external-execution-id": action.external_id,
        "error-code": action.error_code,
    }
    return {name: value for name, value in result.items() if value}


def _iso(seconds: float) -> str:
    return instant(seconds).isoformat(timespec="milliseconds").replace("+00:00", "Z")
