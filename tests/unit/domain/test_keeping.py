from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dropforge.domain.keeping import (
    FOR_EVER,
    GONE,
    ExpiryRule,
    Kept,
    Span,
    VersionFate,
    expiry,
    span_of_current,
    span_of_version,
)

WRITTEN, REPLACED = datetime(2026, 1, 1, 9, tzinfo=UTC), datetime(2026, 1, 5, 23, 59, tzinfo=UTC)
KEY = "digits/a.csv"


@pytest.mark.parametrize(
    ("since", "days", "end"),
    [
        (datetime(2026, 1, 15, 10, 30, tzinfo=UTC), 3, datetime(2026, 1, 19, tzinfo=UTC)),  # S3's own example
        (datetime(2026, 1, 15, tzinfo=UTC), 3, datetime(2026, 1, 18, tzinfo=UTC)),
    ],
)
def test_s3_counts_whole_days_and_goes_on_to_midnight(since: datetime, days: int, end: datetime) -> None:
    assert expiry(since, days) == end


@pytest.mark.parametrize(
    ("fate", "rules", "span"),
    [
        (VersionFate(WRITTEN), (), FOR_EVER),
        (VersionFate(WRITTEN, REPLACED), (), FOR_EVER),
        (VersionFate(WRITTEN), (ExpiryRule("", replaced_days=30),), Span(Kept.WHILE_CURRENT, days=30)),
        (
            VersionFate(WRITTEN, REPLACED),
            (ExpiryRule("", replaced_days=30), ExpiryRule("digits/", replaced_days=7), ExpiryRule("a/", None, 1)),
            Span(Kept.UNTIL, datetime(2026, 1, 13, tzinfo=UTC)),
        ),
        (
            VersionFate(WRITTEN),
            (ExpiryRule("", current_days=10, replaced_days=30),),
            Span(Kept.UNTIL, datetime(2026, 2, 11, tzinfo=UTC)),
        ),
        (None, (), GONE),
    ],
    ids=["no rule", "replaced, no rule", "current", "replaced, the shortest rule", "expires while current", "gone"],
)
def test_a_version_is_kept_for_as_long_as_the_rules_say(
    fate: VersionFate | None, rules: tuple[ExpiryRule, ...], span: Span
) -> None:
    assert span_of_version(fate, KEY, rules) == span


def test_what_is_read_by_its_key_is_gone_once_it_is_deleted_and_else_expires_by_its_age() -> None:
    rule = ExpiryRule("digits/", current_days=10, replaced_days=1)
    assert span_of_current(VersionFate(WRITTEN, REPLACED), KEY, ()) == Span(Kept.GONE, REPLACED)
    assert span_of_current(VersionFate(WRITTEN), KEY, (rule,)) == Span(Kept.UNTIL, datetime(2026, 1, 12, tzinfo=UTC))
    assert span_of_current(VersionFate(WRITTEN), "cancer/a.csv", (rule,)) == FOR_EVER


def test_a_rule_for_some_sizes_is_none_for_others() -> None:
    rule = ExpiryRule("", current_days=10, replaced_days=30, larger_than=100, smaller_than=200)
    bounded = {size: span_of_current(VersionFate(WRITTEN, size=size), KEY, (rule,)) for size in (100, 101, 199, 200)}
    until = Span(Kept.UNTIL, datetime(2026, 1, 12, tzinfo=UTC))
    assert bounded == {100: FOR_EVER, 101: until, 199: until, 200: FOR_EVER}
    assert span_of_version(VersionFate(WRITTEN, REPLACED, 100), KEY, (rule,)) == FOR_EVER


@pytest.mark.parametrize(
    ("day", "end"),
    [
        (datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
        (datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)),
    ],
    ids=["to come", "passed before it was written"],
)
def test_a_rule_with_a_date_removes_what_is_there_from_then_on(day: datetime, end: datetime) -> None:
    assert span_of_current(VersionFate(WRITTEN), KEY, (ExpiryRule("", current_from=day),)) == Span(Kept.UNTIL, end)
    sooner = (ExpiryRule("", current_from=day), ExpiryRule("", replaced_days=1))
    assert span_of_version(VersionFate(WRITTEN), KEY, sooner) == Span(Kept.UNTIL, expiry(end, 1))
