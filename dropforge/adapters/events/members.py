"""Reading one member out of a document that AWS sent, with an error that names it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from dropforge.domain.errors import DropforgeError


class EventError(DropforgeError):
    """A message that is not what its source documents. It is kept in the dead-letter queue with this sentence."""


def parsed(body: str) -> Mapping[str, Any]:
    """The JSON object that a message's body holds."""
    try:
        document = json.loads(body)
    except json.JSONDecodeError as fault:
        raise EventError(f"The message is not JSON ({fault}); look at who sends to this queue.") from fault
    if not isinstance(document, dict):
        raise EventError("The message is JSON but not an object; look at who sends to this queue.")
    return document


def required(document: Mapping[str, Any], *path: str) -> Any:
    """The member at the path; an EventError when it is absent or null."""
    value = optional(document, *path)
    if value is None:
        raise EventError(f"The event has no {'.'.join(path)}; its sender no longer follows the documented shape.")
    return value


def optional(document: Mapping[str, Any], *path: str) -> Any | None:
    """The member at the path, or None when it, or something on the way to it, is absent or null."""
    value: Any = document
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def instant(text: str) -> datetime:
    """An ISO 8601 time as S3 and EventBridge write it (`…Z`, with or without milliseconds), aware and in UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as fault:
        raise EventError(f"The event's time {text!r} is not ISO 8601.") from fault
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def epoch_milliseconds(value: str | float | None) -> datetime | None:
    """A time as SageMaker's events write it: milliseconds since 1970 as text or as a number, or absent."""
    if value is None:
        return None
    return datetime.fromtimestamp(float(value) / 1000, tz=UTC)
