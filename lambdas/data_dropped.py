"""Woken by the ingest queue: objects came or went in the training bucket. Idempotent by object version."""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from dropforge.adapters.batches import Event, each_message, one_by_one
from dropforge.adapters.events.s3 import drops_in
from dropforge.adapters.log import logger
from dropforge.bootstrap import Function
from dropforge.domain.drop import ObjectDropped
from dropforge.settings import DataDroppedSettings
from dropforge.workflow.accept_drop import accept_drop

function = Function(DataDroppedSettings)


def handler(event: Event, context: LambdaContext) -> object:
    return each_message(event, context, accept)


def accept(body: str) -> None:
    one_by_one(drops_in(body), accept_one)


def accept_one(drop: ObjectDropped) -> None:
    accept_drop(function.ports, drop)
    logger().info("drop accepted", key=drop.key, version_id=drop.version_id, deleted=drop.deleted)
