"""How long what a run needs is kept: its image, its data, its model, its log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import Enum


class Kept(Enum):
    FOR_EVER = "for ever"  # until somebody removes it
    UNTIL = "until"
    WHILE_CURRENT = "while current"  # and for so many days after it was replaced or deleted
    GONE = "gone"


@dataclass(frozen=True)
class Span:
    """`at` is the end of UNTIL, or since when it is GONE where anybody tells; `days` are those of WHILE_CURRENT."""

    kept: Kept
    at: datetime | None = None
    days: int | None = None


FOR_EVER = Span(Kept.FOR_EVER)
GONE = Span(Kept.GONE)


@dataclass(frozen=True)
class Keeping:
    """One thing that a run needs; `what` names it for a person."""

    what: str
    span: Span


@dataclass(frozen=True)
class ExpiryRule:
    """What S3 does by itself below a prefix, to objects within these sizes (bytes, both exclusive).

    After so many days it removes what is there, or what was replaced; from the date on, whatever is there.
    """

    prefix: str
    current_days: int | None = None
    replaced_days: int | None = None
    current_from: datetime | None = None
    larger_than: int | None = None
    smaller_than: int | None = None

    def is_for(self, key: str, size: int) -> bool:
        is_large = self.larger_than is None or size > self.larger_than
        is_small = self.smaller_than is None or size < self.smaller_than
        return is_large and is_small and key.startswith(self.prefix)


@dataclass(frozen=True)
class VersionFate:
    """One object version: since when it is there, and since when another one, or a delete marker, is in its place."""

    written_at: datetime
    replaced_at: datetime | None = None
    size: int = 0


def span_of_version(fate: VersionFate | None, key: str, rules: tuple[ExpiryRule, ...]) -> Span:
    """How long S3 keeps that version; None is one that it has not any more, of which it keeps no trace."""
    if fate is None:
        return GONE
    applying = [rule for rule in rules if rule.is_for(key, fate.size)]
    kept_after = min((rule.replaced_days for rule in applying if rule.replaced_days is not None), default=None)
    if kept_after is None:
        return FOR_EVER
    if fate.replaced_at is not None:
        return Span(Kept.UNTIL, expiry(fate.replaced_at, kept_after))
    removed_at = _removed_at(fate, applying)
    if removed_at is not None:
        return Span(Kept.UNTIL, expiry(removed_at, kept_after))
    return Span(Kept.WHILE_CURRENT, days=kept_after)


def span_of_current(fate: VersionFate, key: str, rules: tuple[ExpiryRule, ...]) -> Span:
    """How long what is read by its key alone is to be found there."""
    if fate.replaced_at is not None:
        return Span(Kept.GONE, fate.replaced_at)
    removed_at = _removed_at(fate, [rule for rule in rules if rule.is_for(key, fate.size)])
    return FOR_EVER if removed_at is None else Span(Kept.UNTIL, removed_at)


def expiry(since: datetime, days: int) -> datetime:
    """S3 counts whole days and goes on to the next midnight (UTC).

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
    """
    end = since.astimezone(UTC) + timedelta(days=days)
    midnight = datetime.combine(end.date(), time(), UTC)
    return midnight if midnight == end else midnight + timedelta(days=1)


def _removed_at(fate: VersionFate, rules: list[ExpiryRule]) -> datetime | None:
    """When the first of them takes away what is there; one with a date goes on with what is written after it."""
    by_age = [expiry(fate.written_at, rule.current_days) for rule in rules if rule.current_days is not None]
    by_date = [max(rule.current_from, expiry(fate.written_at, 0)) for rule in rules if rule.current_from is not None]
    return min([*by_age, *by_date], default=None)
