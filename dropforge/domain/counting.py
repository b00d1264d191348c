"""Numbers of things, and lengths of time, as a person reads them."""

from __future__ import annotations

from datetime import timedelta


def several(count: int, one: str, many: str | None = None) -> str:
    """`1 object`, `2 objects`, `10,000 objects`; `many` is the plural where it is not `one` with an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def span(length: timedelta) -> str:
    """`4 s`, `4 min`, `4 min 10 s`, `3 h 20 min`."""
    whole = round(length.total_seconds())
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    parts = [(hours, "h"), (minutes, "min"), (0 if hours else rest, "s")]
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 s"
