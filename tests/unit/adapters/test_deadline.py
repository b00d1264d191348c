from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from dropforge.adapters.deadline import ends_at

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@dataclass
class Context:
    left: timedelta

    def get_remaining_time_in_millis(self) -> int:
        return int(self.left.total_seconds() * 1000)


@pytest.mark.parametrize(("left", "of_it"), [(900, 780), (240, 120), (60, 30), (0, 0)])
def test_a_function_ends_before_its_time_is_over_and_never_before_half_of_it(left: int, of_it: int) -> None:
    context = cast("Any", Context(timedelta(seconds=left)))
    assert ends_at(context, NOON) == NOON + timedelta(seconds=of_it)
