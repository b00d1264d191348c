from __future__ import annotations

import pytest

from dropforge.adapters.batches import one_by_one


def test_what_fails_for_one_is_raised_once_all_others_of_the_message_had_their_turn() -> None:
    handled: list[str] = []

    def handle(name: str) -> None:
        if name == "bad":
            raise ValueError(name)
        handled.append(name)

    with pytest.raises(ValueError, match="bad"):
        one_by_one(["a", "bad", "b"], handle)
    assert handled == ["a", "b"]
