"""Wake-ups of the dispatcher absorb each other, and none is lost by it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dropforge.adapters.sqs import DISPATCH_DELAY, shared_id

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
OFF = 2
MOMENTS = st.lists(st.tuples(st.integers(0, 40), st.integers(-OFF, OFF)), min_size=1, max_size=12)
"""When a wake-up is sent, and by how much its sender's clock is off: both in tenths of a second."""


def moment(tenths: int) -> datetime:
    return NOON + timedelta(milliseconds=100 * tenths)


def passes(sent: Sequence[tuple[int, int]]) -> list[datetime]:
    """When the dispatcher begins, with a queue that delivers one message for each id, each after the delay."""
    first: dict[str, datetime] = {}
    for tenths, off in sorted(sent):
        first.setdefault(shared_id(moment(tenths + off)), moment(tenths))
    return [at + DISPATCH_DELAY for at in first.values()]


@given(MOMENTS)
def test_after_every_wake_up_a_pass_begins_soon_though_clocks_differ_a_little(sent: list[tuple[int, int]]) -> None:
    begun = passes(sent)
    for tenths, _ in sent:
        at = moment(tenths)
        assert any(at <= each <= at + DISPATCH_DELAY for each in begun)


def test_five_hundred_wake_ups_within_ten_seconds_are_twenty_passes_or_one_more() -> None:
    assert len(passes([(number // 5, 0) for number in range(500)])) <= 21
