"""Woken by the seal queue: a project's data may have become quiet, or it is time to look. Idempotent by revision."""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from dropforge.adapters.batches import Event, each_named_message
from dropforge.adapters.deadline import ends_at
from dropforge.adapters.events.wakeup import seal_in
from dropforge.adapters.log import logger
from dropforge.bootstrap import Function
from dropforge.settings import SealDatasetSettings
from dropforge.workflow import seal_dataset as sealing

function = Function(SealDatasetSettings)


def handler(event: Event, context: LambdaContext) -> object:
    """One message a call, so that each may take as long as a function may."""
    return each_named_message(event, context, lambda body, message: seal(body, message, context))


def seal(body: str, message: str, context: LambdaContext) -> None:
    wanted = seal_in(body)
    if wanted is None:
        sealing.wake_due_seals(function.ports)
        return
    project, of = wanted
    turn = sealing.Turn(holder=message, ends=ends_at(context, function.ports.clock.now()))
    dataset = sealing.seal_dataset(function.ports, project, of, turn)
    logger().info("sealing looked at", project=project, dataset=dataset.version if dataset else None)
