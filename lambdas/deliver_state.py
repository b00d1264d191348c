"""Woken by the deliver queue: a run's state has changed. Idempotent by run and sequence: sinks may be told twice."""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from dropforge.adapters.batches import Event, each_message
from dropforge.adapters.events.state_change import state_change_in
from dropforge.adapters.log import logger
from dropforge.bootstrap import QueueFunction
from dropforge.settings import DeliverStateSettings
from dropforge.workflow import deliver_state

function = QueueFunction(DeliverStateSettings)


def handler(event: Event, context: LambdaContext) -> object:
    return each_message(event, context, deliver, function.source.come_again)


def deliver(body: str) -> None:
    change = state_change_in(body)
    deliver_state.deliver_state(function.ports, change)
    logger().info("sinks told", project=change.project, run=change.run, status=change.status.value)
