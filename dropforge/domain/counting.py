"""Numbers of things as a person reads them."""

from __future__ import annotations


def several(count: int, one: str, many: str | None = None) -> str:
    """`1 object`, `2 objects`, `10,000 objects`; `many` is the plural where it is not `one` with an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
