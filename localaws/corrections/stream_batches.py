"""A stream's function may fail part of a batch, and fails no record for ever; the emulator does otherwise.

https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html (ReportBatchItemFailures: what
precedes the first failed record is done, the rest is tried again)
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html (MaximumRetryAttempts,
BisectBatchOnFunctionError, and the failure destination, which gets a pointer to the records)
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from ministack.services import lambda_svc

from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime

Record = dict[str, Any]
_FOR_EVER = -1


@dataclass
class _Mapping:
    """An event source mapping and how its present batch fares."""

    settings: dict[str, Any]
    batch: Sequence[Record] = ()
    """As read from the stream, before filters."""
    size: int | None = None
    """How many records at a time, after a bisection."""
    head: str = ""
    attempts: int = field(default=0)
    """Failed attempts of the record `head`, a sequence number."""

    def advance(self, past: Record, *, including: bool) -> None:
        """Move the mapping's place in the stream to a record of the batch, or behind it."""
        numbers = [_number(record) for record in self.batch]
        count = numbers.index(_number(past)) + (1 if including else 0)
        with lambda_svc._dynamodb_stream_positions_lock:
            lambda_svc._dynamodb_stream_positions[self.settings["UUID"]] += count

    def failed_once_more(self, record: Record) -> bool:
        """Count a failed attempt; tell whether it was the last that the mapping allows."""
        if self.head != _number(record):
            self.head, self.attempts = _number(record), 0
        self.attempts += 1
        allowed = int(self.settings.get("MaximumRetryAttempts", _FOR_EVER))
        return allowed != _FOR_EVER and self.attempts > allowed


_known: dict[str, _Mapping] = {}
_polled: ContextVar[_Mapping | None] = ContextVar("the mapping whose batch is being processed", default=None)
_polling: ContextVar[bool] = ContextVar("whether streams are being polled", default=False)


def install(runtime: Runtime) -> None:
    """Take over what happens between a batch that was read and the place at which the next one is."""
    del runtime
    wrap(lambda_svc, "_poll_dynamodb_streams", _poll)
    wrap(lambda_svc, "_apply_filter_criteria", _filter)
    wrap(lambda_svc, "_execute_function", _execute)


def _poll(original: Callable[[], bool]) -> bool:
    token = _polling.set(True)
    try:
        return original()
    finally:
        _polling.reset(token)


def _filter(original: Callable[..., list[Record]], batch: list[Record], settings: dict[str, Any]) -> list[Record]:
    """Note which mapping the batch belongs to: this is the last that is known of it before the function is called."""
    if _polling.get():
        mapping = _known.setdefault(settings["UUID"], _Mapping(settings))
        mapping.settings, mapping.batch = settings, batch
        _polled.set(mapping)
    return original(batch, settings)


def _execute(original: Callable[..., Any], function: dict[str, Any], event: dict[str, Any]) -> Any:
    mapping = _polled.get() if _polling.get() else None
    if mapping is None:
        return original(function, event)
    token = _polling.set(False)  # what the function's own calls set off is no part of this poll
    try:
        return _process(original, function, event["Records"], mapping)
    finally:
        _polling.reset(token)


def _process(
    call: Callable[..., dict[str, Any]], function: dict[str, Any], records: list[Record], mapping: _Mapping
) -> dict[str, Any]:
    """Call the function with as much of a batch as is tried at a time.

    A result without "error" tells the emulator that the whole batch is done; any other, to come back in a second.
    """
    part = records[: mapping.size]
    result = call(function, {"Records": part})
    failed = _first_failure(result, part, mapping.settings)
    if failed is None:
        mapping.size = None
        if len(part) < len(records):
            mapping.advance(part[-1], including=True)
            return _unfinished(result, f"{len(records) - len(part)} records of a bisected batch are left")
        return result
    if failed:
        mapping.advance(part[failed], including=False)
    rest = part[failed:]
    if mapping.failed_once_more(rest[0]):
        _give_up(function, rest, mapping, result)
    return _unfinished(result, f"the function failed {len(rest)} records")


def _give_up(function: dict[str, Any], rest: list[Record], mapping: _Mapping, result: dict[str, Any]) -> None:
    """Split what failed too often; what cannot be split goes to the failure destination, as a pointer."""
    mapping.head = ""
    if mapping.settings.get("BisectBatchOnFunctionError") and len(rest) > 1:
        mapping.size = len(rest) // 2
        return
    mapping.size = None
    source = mapping.settings["EventSourceArn"]
    send = lambda_svc._send_ddb_stream_failure_record
    send(mapping.settings, function, rest, source, result, "RetryAttemptsExhausted")
    # the batch was read before what preceded `rest` was done with: its place is counted from where it is now
    mapping.batch = mapping.batch[[_number(record) for record in mapping.batch].index(_number(rest[0])) :]
    mapping.advance(rest[-1], including=True)


def _first_failure(result: dict[str, Any], part: list[Record], settings: dict[str, Any]) -> int | None:
    """Return the index of the first record that the function failed, or None."""
    if result.get("error"):
        return 0
    if "ReportBatchItemFailures" not in (settings.get("FunctionResponseTypes") or ()):
        return None
    answer = _as_object(result.get("body"))
    failures = {str(failure.get("itemIdentifier")) for failure in answer.get("batchItemFailures") or ()}
    numbers = [_number(record) for record in part]
    if not failures:
        return None
    known = [numbers.index(number) for number in failures if number in numbers]
    return min(known, default=0)  # an identifier that is not in the batch fails all of it


def _as_object(body: Any) -> dict[str, Any]:
    """Return what a function answered, which the emulator keeps as text or as an object; anything else is nothing."""
    if isinstance(body, (str, bytes)):
        try:
            body = json.loads(body)
        except ValueError:
            return {}
    return body if isinstance(body, dict) else {}


def _unfinished(result: dict[str, Any], what: str) -> dict[str, Any]:
    said = result.get("body") if result.get("error") else None
    body = said if isinstance(said, dict) else {"errorType": "BatchItemFailures", "errorMessage": what}
    return {**result, "error": True, "body": body}


def _number(record: Record) -> str:
    number: str = record["dynamodb"]["SequenceNumber"]
    return number
