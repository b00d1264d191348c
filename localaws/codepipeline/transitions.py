"""Closing and opening the doors between stages (Enable- and DisableStageTransition)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localaws.codepipeline.records import Pipeline, now
from localaws.service import ServiceError


def disable(pipeline: Pipeline, request: Mapping[str, Any], by: str) -> None:
    """Keep executions from entering (Inbound) or leaving (Outbound) a stage."""
    pipeline.disabled[_side(pipeline, request)] = {"reason": request["reason"], "at": now(), "by": by}


def enable(pipeline: Pipeline, request: Mapping[str, Any]) -> None:
    """Let them through again."""
    pipeline.disabled.pop(_side(pipeline, request), None)


def _side(pipeline: Pipeline, request: Mapping[str, Any]) -> str:
    if pipeline.stage(request["stageName"]) is None:
        raise ServiceError(
            "StageNotFoundException", f"The pipeline {pipeline.name} has no stage named {request['stageName']}."
        )
    return f"{request['stageName']}/{request['transitionType']}"
