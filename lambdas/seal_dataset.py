"""Woken by the seal queue: a project's data may have become quiet, or it is time to look. Idempotent by revision."""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from dropforge.adapters.batches import Event, each_message
from dropforge.adapters.events.wakeup import project_in
from dropforge.adapters.log import logger
from dropforge.bootstrap import Function
from dropforge.settings import SealDatasetSettings
from dropforge.workflow import seal_dataset as sealing

function = Function(SealDatasetSettings)


def handler(event: Event, context: LambdaContext) -> object:
    return each_message(event, context, seal)


def seal(body: str) -> None:
    project = project_in(body)
    if project is None:
        sealing.wake_due_seals(function.ports)
        return
    dataset = sealing.seal_dataset(function.ports, project)
    logger().info("sealing looked at", project=project, dataset=dataset.version if dataset else None)
