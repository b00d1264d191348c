"""Moments as people type them: a date, a time, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from dropforge.cli.exits import UsageError

SinceOption = Annotated[
    str | None,
    typer.Option(help="Only asked for since then: 2026-11-01, 2026-11-01T08:30 (UTC), 12h or 7d ago."),
]
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment_meant(text: str | None, now: datetime) -> datetime | None:
    """Aware; UTC where no zone is said. UsageError."""
    if text is None:
        return None
    ago = re.fullmatch(r"(\d{1,6})([mhdw])", text)
    if ago:
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--since {text} is no time: write 2026-11-01, 2026-11-01T08:30, or 7d for a week.") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
