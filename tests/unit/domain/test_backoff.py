from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dropforge.domain.backoff import LONGEST_SECONDS, backoff

RUNS = st.text("0123456789abcdef", min_size=20, max_size=20)


@given(RUNS, st.integers(0, 1000))
def test_waits_grow_up_to_a_quarter_of_an_hour_and_no_further(run_id: str, delays: int) -> None:
    longest = min(30 * 2 ** min(delays, 10), LONGEST_SECONDS)
    assert longest / 2 <= backoff(run_id, delays).total_seconds() <= longest


@given(RUNS, st.integers(0, 10))
def test_the_same_delay_of_the_same_run_is_as_long_whenever_it_is_computed(run_id: str, delays: int) -> None:
    assert backoff(run_id, delays) == backoff(run_id, delays)


def test_runs_that_were_refused_together_come_back_apart() -> None:
    waits = {backoff(f"{n:020x}", 0) for n in range(100)}
    assert len(waits) > 95
