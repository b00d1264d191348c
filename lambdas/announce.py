"""Woken by the state table's stream: an announcement is pending. Idempotent by announcement, under a lease."""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from dropforge.adapters.batches import Event, each_stream_record
from dropforge.adapters.events.stream import announcement_to_send_in
from dropforge.adapters.log import logger
from dropforge.bootstrap import Function
from dropforge.settings import AnnounceSettings
from dropforge.workflow import announce

function = Function(AnnounceSettings)


def handler(event: Event, context: LambdaContext) -> object:
    return each_stream_record(event, context, send)


def send(record: Event) -> None:
    key = announcement_to_send_in(record)
    if key is not None:
        announce.announce(function.ports, key)
        logger().info("announcement handled", subject=key.subject, about=key.kind.value, sequence=key.sequence)
