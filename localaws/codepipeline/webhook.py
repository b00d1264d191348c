"""What a push does to pipelines: the webhook that a connection keeps at its git host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from localaws.codeconnections import CodeConnectionsService
from localaws.codepipeline import executions
from localaws.codepipeline.records import Execution, Pipeline
from localaws.codepipeline.triggers import starts
from localaws.codepipeline.work import Board
from localaws.githost import Commit
from localaws.githost.pushes import Push
from localaws.runtime import Runtime
from localaws.service import ServiceError


@dataclass
class Delivery:
    """What came of a push: executions begun, and pipelines that wanted it and could not have it."""

    begun: list[tuple[Pipeline, Execution]] = field(default_factory=list)
    refused: list[tuple[Pipeline, str]] = field(default_factory=list)


def deliver(runtime: Runtime, board: Board, push: Push, commit: Commit) -> Delivery:
    """Begin an execution of every pipeline whose triggers match the push."""
    delivery = Delivery()
    with board.changed:
        for pipeline in board.pipelines.values():
            source = starts(pipeline.declaration, push)
            if source is None:
                continue
            try:
                provider = _provider(runtime, source)
                execution = executions.begin(pipeline, executions.pushed(pipeline, source, push, commit, provider))
            except ServiceError as error:
                delivery.refused.append((pipeline, error.message))
            else:
                delivery.begun.append((pipeline, execution))
    return delivery


def _provider(runtime: Runtime, source: Mapping[str, Any]) -> str:
    """The provider of the source's connection; one that is pending has no webhook yet and hears of no push."""
    arn = source["configuration"]["ConnectionArn"]
    connections = cast("CodeConnectionsService", runtime.services["codeconnections"])
    if connections.status(arn) != "AVAILABLE":
        raise ServiceError(
            "ResourceUnavailableException",
            f"its connection is pending; complete the handshake with `python -m localaws connection accept {arn}`, "
            "then push again or start the pipeline.",
        )
    return connections.provider(arn)
