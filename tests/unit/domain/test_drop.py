from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dropforge.domain.drop import is_later

SEQUENCERS = st.text("0123456789ABCDEF", min_size=1, max_size=20)


def test_a_shorter_sequencer_is_padded_on_the_right() -> None:
    assert is_later("0A1", than="0A")
    assert is_later("0B", than="0A1")
    assert not is_later("0A", than="0A0")


def test_the_case_of_the_digits_does_not_matter() -> None:
    assert not is_later("0a", than="0A")
    assert is_later("0b", than="0A")


@given(SEQUENCERS, SEQUENCERS)
def test_of_two_at_most_one_is_later(one: str, other: str) -> None:
    assert not (is_later(one, than=other) and is_later(other, than=one))


@given(SEQUENCERS, SEQUENCERS, SEQUENCERS)
def test_later_is_transitive(first: str, second: str, third: str) -> None:
    if is_later(second, than=first) and is_later(third, than=second):
        assert is_later(third, than=first)


@given(SEQUENCERS, st.integers(0, 5))
def test_zeros_on_the_right_are_padding(sequencer: str, zeros: int) -> None:
    padded = sequencer + "0" * zeros
    assert not is_later(padded, than=sequencer)
    assert not is_later(sequencer, than=padded)
