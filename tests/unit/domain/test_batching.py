from __future__ import annotations

from dropforge.domain.batching import batched


def test_all_come_in_order_so_many_at_a_time_and_the_last_fewer() -> None:
    assert list(batched(range(7), 3)) == [(0, 1, 2), (3, 4, 5), (6,)]
    assert list(batched([], 3)) == []


def test_nothing_is_taken_before_its_batch_is_asked_for() -> None:
    things = iter(range(7))
    next(batched(things, 3))
    assert next(things) == 3
