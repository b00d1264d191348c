"""Answers to jobs that a Lambda action handed out (PutJobSuccessResult, PutJobFailureResult)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localaws.codepipeline.records import Job
from localaws.codepipeline.work import Board
from localaws.service import ServiceError

# "Variable limits" of the user guide (limits.html).
_MAX_VARIABLES_BYTES = 122_880


def succeeded(board: Board, request: Mapping[str, Any]) -> dict[str, Any]:
    """Close a job as done, or, with a continuation token, as to be asked again.

    https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutJobSuccessResult.html
    """
    variables = dict(request.get("outputVariables", {}))
    if "outputVariables" in request and "continuationToken" in request:
        raise ServiceError(
            "ValidationException",
            "outputVariables can be included only when there is no continuation token: give them with the last answer.",
        )
    size = sum(len(key.encode()) + len(value.encode()) for key, value in variables.items())
    if size > _MAX_VARIABLES_BYTES:
        raise ServiceError(
            "OutputVariablesSizeExceededException",
            f"The output variables take {size} bytes, of at most {_MAX_VARIABLES_BYTES}: put less into them.",
        )
    details = request.get("executionDetails", {})
    with board.changed:
        job = _open(board, request["jobId"])
        job.continuation_token = request.get("continuationToken")
        job.status = "Continued" if job.continuation_token is not None else "Succeeded"
        job.summary = details.get("summary", "")
        job.external_id = details.get("externalExecutionId", "")
        job.output_variables = variables
        board.changed.notify_all()
    return {}


def failed(board: Board, request: Mapping[str, Any]) -> dict[str, Any]:
    """Close a job as failed, with the function's own words."""
    with board.changed:
        job = _open(board, request["jobId"])
        job.status = "Failed"
        job.failure = dict(request["failureDetails"])
        board.changed.notify_all()
    return {}


def _open(board: Board, identifier: str) -> Job:
    job = board.jobs.get(identifier)
    if job is None:
        raise ServiceError("JobNotFoundException", f"There is no job {identifier}: use the id in the function's event.")
    if job.status != "InProgress":
        raise ServiceError(
            "InvalidJobStateException", f"The job {identifier} is {job.status} already: answer each job once."
        )
    return job
