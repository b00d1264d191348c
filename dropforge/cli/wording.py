"""Times, spans, sizes and names as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from dropforge.domain import counting

SHORT = 12
"""Characters of a commit or digest that are enough to tell it from others."""


def moment(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def clock(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%H:%M:%S")


def span(seconds: float | timedelta) -> str:
    """`4 s`, `4 min`, `4 min 10 s`, `3 h 20 min`."""
    return counting.span(seconds if isinstance(seconds, timedelta) else timedelta(seconds=seconds))


def size(count: int) -> str:
    """In units of 1,000 bytes: `265 kB`."""
    amount, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while amount >= 1000 and len(units) > 1:
        amount, units = amount / 1000, units[1:]
    return f"{count} bytes" if units[0] == "bytes" else f"{amount:.3g} {units[0]}"


def short(name: str) -> str:
    """A commit or a digest, shortened: `sha256:` is left out."""
    return name.removeprefix("sha256:")[:SHORT]


def metrics(values: Mapping[str, Decimal]) -> str:
    """`accuracy 0.9774, loss 0.0109`"""
    return ", ".join(f"{name} {number(value)}" for name, value in values.items())


def number(value: Decimal) -> str:
    """At most six significant digits, no exponent for what people call small."""
    return f"{float(value):.6g}"


def money(usd: Decimal) -> str:
    return f"{usd:.4f} USD" if usd < 1 else f"{usd:.2f} USD"


def ordinal(number: int) -> str:
    """`1st`, `2nd`, `3rd`, `4th`, `11th`, `21st`"""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in {11, 12, 13} else "th"
    return f"{number:,}{ending}"


def first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
