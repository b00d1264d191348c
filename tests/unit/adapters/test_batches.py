from __future__ import annotations

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from dropforge.adapters.batches import each_named_message, one_by_one


def test_what_fails_for_one_is_raised_once_all_others_of_the_message_had_their_turn() -> None:
    handled: list[str] = []

    def handle(name: str) -> None:
        if name == "bad":
            raise ValueError(name)
        handled.append(name)

    with pytest.raises(ValueError, match="bad"):
        one_by_one(["a", "bad", "b"], handle)
    assert handled == ["a", "b"]


def test_a_message_that_is_delivered_again_is_handed_over_under_the_same_id() -> None:
    handled: list[tuple[str, str]] = []
    for receipt in ("first", "again"):
        record = {"messageId": "m-1", "receiptHandle": receipt, "body": "{}", "eventSource": "aws:sqs"}
        each_named_message({"Records": [record]}, LambdaContext(), lambda *message: handled.append(message))
    assert handled == [("{}", "m-1"), ("{}", "m-1")]
