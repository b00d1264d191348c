"""Woken by the ingest queue: objects came or went in the training bucket. Idempotent by object version."""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from dropforge.adapters.batches import Event, each_apart, each_message
from dropforge.adapters.events.s3 import apart, drop_in
from dropforge.adapters.log import logger
from dropforge.adapters.sqs import SqsIngest, SqsSource
from dropforge.bootstrap import Function
from dropforge.settings import DataDroppedSettings
from dropforge.workflow.accept_drop import accept_drop

function = Function(DataDroppedSettings)


def handler(event: Event, context: LambdaContext) -> object:
    source = SqsSource(function.aws, function.settings.ingest_queue_url)
    return each_message(event, context, accept, source.come_again)


def accept(body: str) -> None:
    each_apart(apart(body), accept_one, SqsIngest(function.aws, function.settings.ingest_queue_url).send)


def accept_one(body: str) -> None:
    drop = drop_in(body)
    if drop is not None:
        accept_drop(function.ports, drop)
        logger().info("drop accepted", key=drop.key, version_id=drop.version_id, deleted=drop.deleted)
