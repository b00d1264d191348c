"""Woken by the state table's stream: a run was written. Publishes its state where that has changed, at least once."""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from dropforge.adapters.batches import Event, each_stream_record
from dropforge.adapters.events.stream import run_in_record
from dropforge.adapters.log import logger
from dropforge.bootstrap import Function
from dropforge.settings import PublishStateSettings
from dropforge.workflow import publish_state

function = Function(PublishStateSettings)


def handler(event: Event, context: LambdaContext) -> object:
    return each_stream_record(event, context, publish)


def publish(record: Event) -> None:
    run = run_in_record(record)
    if run is not None:
        publish_state.publish_state(function.ports, run)
        logger().info("state looked at", project=run.project, run=run.id, status=run.status.value)
