from __future__ import annotations

import pytest

from dropforge.adapters.batches import one_by_one, only_message


def test_what_fails_for_one_is_raised_once_all_others_of_the_message_had_their_turn() -> None:
    handled: list[str] = []

    def handle(name: str) -> None:
        if name == "bad":
            raise ValueError(name)
        handled.append(name)

    with pytest.raises(ValueError, match="bad"):
        one_by_one(["a", "bad", "b"], handle)
    assert handled == ["a", "b"]


def test_a_message_that_is_delivered_again_is_known_by_its_id() -> None:
    first = {"Records": [{"messageId": "m-1", "receiptHandle": "r-1", "body": "{}"}]}
    again = {"Records": [{"messageId": "m-1", "receiptHandle": "r-2", "body": "{}"}]}
    assert only_message(first) == only_message(again) == "m-1"
