"""A batch of messages handed to a function, each handled by itself.

What fails is reported alone and delivered again; what went well is not. When all of a batch fails, the function fails.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from dropforge.adapters.log import logger

Event = dict[str, Any]


ComeAgain: TypeAlias = Callable[[str, int], None]
"""Lets a message that failed come again: the receipt by which SQS knows it, and how often it was received so far."""


def each_message(event: Event, context: LambdaContext, handle: Callable[[str], None], come_again: ComeAgain) -> object:
    """Hand the body of each SQS message to `handle`; the answer names those that failed, each to `come_again`."""

    def handle_record(record: SQSRecord) -> None:
        try:
            _logging_failure(record.message_id, lambda: handle(record.body))
        except Exception:
            _let_come_again(record, come_again)
            raise

    return _answer(event, context, EventType.SQS, handle_record)


def _let_come_again(record: SQSRecord, come_again: ComeAgain) -> None:
    """Where that cannot be asked for either, the message comes again after the queue's own time."""
    try:
        come_again(record.receipt_handle, int(record.attributes.approximate_receive_count))
    except Exception:  # noqa: BLE001  (the failure of the message itself is raised)
        logger().exception("a message that failed waits for its queue's visibility timeout", record=record.message_id)


def each_named_message(event: Event, context: LambdaContext, handle: Callable[[str, str], None]) -> object:
    """The same, with the message's id, which it keeps however often SQS delivers it: after the queue's own time."""

    def handle_record(record: SQSRecord) -> None:
        _logging_failure(record.message_id, lambda: handle(record.body, record.message_id))

    return _answer(event, context, EventType.SQS, handle_record)


def each_apart(parts: Sequence[str], handle: Callable[[str], None], hand_on: Callable[[str], None]) -> None:
    """Handle each part of a message; of several, those that fail go on as messages of their own.

    SQS delivers a message again as a whole, so a part that fails each time would have its neighbours repeated each
    time. Handed on, it comes again alone, with tries of its own, and nothing but it becomes a dead letter. Whoever is
    cut off before the message is deleted hands on, and repeats, once more: at least once, as with any message.
    """
    if len(parts) == 1:
        handle(parts[0])
        return
    for part in [part for part in parts if not _is_handled(part, handle)]:
        hand_on(part)


def _is_handled(part: str, handle: Callable[[str], None]) -> bool:
    try:
        handle(part)
    except Exception:  # noqa: BLE001  (whatever it is, it is raised when the part comes by itself)
        logger().exception("a part of a message could not be handled and goes on as a message of its own")
        return False
    return True


def each_stream_record(event: Event, context: LambdaContext, handle: Callable[[Event], None]) -> object:
    """Hand each record of a table's stream to `handle`; the answer names those that failed."""

    def handle_record(record: DynamoDBRecord) -> None:
        _logging_failure(str(record.event_id), lambda: handle(record.raw_event))

    return _answer(event, context, EventType.DynamoDBStreams, handle_record)


def one_pass(event: Event, work: Callable[[], None], on_failure: Callable[[], None] = lambda: None) -> None:
    """Work that a batch of wake-ups asks for only once; when it fails, all of the batch is delivered again."""
    woken_by = [record.get("messageId") for record in event.get("Records", [])]
    try:
        work()
    except Exception:
        logger().exception("a pass failed and will be made again", woken_by=woken_by)
        on_failure()
        raise
    logger().info("pass made", wakeups=len(woken_by))


def receipts_of(event: Event) -> tuple[str, ...]:
    """What SQS knows each message of the batch by, for as long as it is hidden."""
    return tuple(record["receiptHandle"] for record in event.get("Records", []))


def _answer(event: Event, context: LambdaContext, kind: EventType, handle: Callable[[Any], None]) -> object:
    processor = BatchProcessor(event_type=kind)
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)


def _logging_failure(record_id: str, handle: Callable[[], None]) -> None:
    try:
        handle()
    except Exception:
        logger().exception("a message could not be handled and will be delivered again", record_id=record_id)
        raise
