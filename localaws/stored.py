"""Service state as JSON: datetimes survive the round trip."""

from __future__ import annotations

import datetime as dt
from typing import Any

_TIME = "__time__"


def freeze(value: Any) -> Any:
    """Return a value with each datetime as a tagged ISO 8601 text."""
    if isinstance(value, dt.datetime):
        return {_TIME: value.isoformat()}
    if isinstance(value, dict):
        return {key: freeze(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [freeze(item) for item in value]
    return value


def thaw(value: Any) -> Any:
    """Undo `freeze`."""
    if isinstance(value, dict):
        if value.keys() == {_TIME}:
            return dt.datetime.fromisoformat(value[_TIME])
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list):
        return [thaw(item) for item in value]
    return value
