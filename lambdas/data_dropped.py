"""Woken by the ingest queue: objects came or went in the training bucket. Idempotent by object version."""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from dropforge.adapters.batches import Event, each_apart, each_message
from dropforge.adapters.events.s3 import apart, drop_in
from dropforge.adapters.log import logger
from dropforge.bootstrap import QueueFunction
from dropforge.settings import DataDroppedSettings
from dropforge.workflow.accept_drop import accept_drop

function = QueueFunction(DataDroppedSettings)


def handler(event: Event, context: LambdaContext) -> object:
    return each_message(event, context, accept, function.source.come_again)


def accept(body: str) -> None:
    each_apart(apart(body), accept_one, function.source.send)


def accept_one(body: str) -> None:
    drop = drop_in(body)
    if drop is not None:
        accept_drop(function.ports, drop)
        logger().info("drop accepted", key=drop.key, version_id=drop.version_id, deleted=drop.deleted)
