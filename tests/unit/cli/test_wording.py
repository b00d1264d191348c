from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from dropforge.cli import wording


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (4.4, "4 s"),
        (60, "1 min"),
        (250, "4 min 10 s"),
        (timedelta(hours=3, minutes=20, seconds=9), "3 h 20 min"),
    ],
)
def test_a_span_is_said_in_at_most_two_units(seconds: float | timedelta, said: str) -> None:
    assert wording.span(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 bytes"), (999, "999 bytes"), (265_358, "265 kB"), (5 * 10**12, "5 TB")]
)
def test_a_size_is_said_in_three_digits(count: int, said: str) -> None:
    assert wording.size(count) == said


@pytest.mark.parametrize(
    ("value", "said"), [("0.97740", "0.9774"), ("12", "12"), ("1E+2", "100"), ("0.0000123456", "1.23456e-05")]
)
def test_a_metric_is_said_without_digits_that_say_nothing(value: str, said: str) -> None:
    assert wording.number(Decimal(value)) == said


def test_small_money_keeps_its_digits() -> None:
    assert (wording.money(Decimal("0.00192")), wording.money(Decimal("12.345"))) == ("0.0019 USD", "12.34 USD")


def test_ordinals_are_as_one_says_them() -> None:
    assert [wording.ordinal(number) for number in (1, 2, 3, 4, 11, 12, 21, 112, 1_003)] == (
        ["1st", "2nd", "3rd", "4th", "11th", "12th", "21st", "112th", "1,003rd"]
    )
