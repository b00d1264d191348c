from __future__ import annotations

from collections import Counter, deque
from datetime import timedelta

import pytest
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from aws_lambda_powertools.utilities.typing import LambdaContext

from dropforge.adapters.batches import each_apart, each_message, each_named_message
from dropforge.adapters.sqs import again_after

MOST_RECEIVES = 5


class Queue:
    """A queue that delivers what fails again, and gives it up after so many times."""

    def __init__(self, *bodies: str) -> None:
        self._waiting = deque((body, 0) for body in bodies)
        self.dead: list[str] = []
        self.handled = Counter[str]()

    def send(self, body: str) -> None:
        self._waiting.append((body, 0))

    def deliver_all(self, refusing: str) -> None:
        """Bodies are words, each of which is a part; the one that is refused always fails."""

        def handle(part: str) -> None:
            if part == refusing:
                raise ValueError(part)
            self.handled[part] += 1

        while self._waiting:
            body, receives = self._waiting.popleft()
            try:
                each_apart(body.split(), handle, self.send)
            except ValueError:
                again = self._waiting if receives + 1 < MOST_RECEIVES else None
                self.dead.append(body) if again is None else again.append((body, receives + 1))


@pytest.mark.parametrize("body", ["bad a b", "a bad b", "a b bad", "bad a bad"])
def test_a_part_that_always_fails_becomes_a_dead_letter_alone_and_its_neighbours_are_handled_once(body: str) -> None:
    queue = Queue(body, "c")
    queue.deliver_all(refusing="bad")
    assert queue.dead == ["bad"] * body.count("bad")
    assert queue.handled == Counter({part: 1 for part in f"{body} c".split() if part != "bad"})


def test_a_message_of_one_part_fails_itself_and_is_not_handed_on() -> None:
    def fail(part: str) -> None:
        raise ValueError(part)

    handed_on: list[str] = []
    with pytest.raises(ValueError, match="bad"):
        each_apart(["bad"], fail, handed_on.append)
    assert handed_on == []


def test_a_part_that_cannot_be_handed_on_leaves_its_message_where_it_was() -> None:
    def refuse(part: str) -> None:
        raise ConnectionError(part)

    with pytest.raises(ConnectionError):
        each_apart(["a", "b"], refuse, refuse)


def test_a_message_that_is_delivered_again_is_handed_over_under_the_same_id() -> None:
    handled: list[tuple[str, str]] = []
    for receipt in ("first", "again"):
        record = {"messageId": "m-1", "receiptHandle": receipt, "body": "{}", "eventSource": "aws:sqs"}
        each_named_message({"Records": [record]}, LambdaContext(), lambda *message: handled.append(message))
    assert handled == [("{}", "m-1"), ("{}", "m-1")]


def tries_until(outage_ends: timedelta) -> list[timedelta]:
    """When a queue hands a message to a function that fails until then: up to when it is handled, or given up."""
    now, tries = timedelta(0), list[timedelta]()

    def handle(_: str) -> None:
        tries.append(now)
        if now < outage_ends:
            raise ConnectionError("AWS did not answer")

    def come_again(_: str, received: int) -> None:
        nonlocal now
        now += again_after(received)

    for received in range(1, MOST_RECEIVES + 1):
        attributes = {"ApproximateReceiveCount": str(received)}
        record = {"messageId": "m-1", "receiptHandle": "r-1", "body": "{}", "eventSource": "aws:sqs"}
        try:
            each_message({"Records": [{**record, "attributes": attributes}]}, LambdaContext(), handle, come_again)
        except BatchProcessingError:
            continue
        break
    return tries


def test_a_message_outlasts_an_outage_of_an_hour_and_is_not_given_up() -> None:
    outage = timedelta(hours=1)
    assert tries_until(outage)[-1] >= outage


def test_what_fails_for_a_moment_is_done_within_the_minute() -> None:
    first, again = tries_until(timedelta(seconds=5))
    assert again - first <= timedelta(minutes=1)


def test_a_message_that_failed_the_last_time_is_soon_among_the_dead_letters() -> None:
    assert again_after(MOST_RECEIVES) <= timedelta(minutes=1)


def test_only_the_message_that_failed_is_let_come_again() -> None:
    records = [
        {"messageId": each, "receiptHandle": f"receipt of {each}", "body": each, "eventSource": "aws:sqs"}
        for each in ("good", "bad")
    ]
    event = {"Records": [{**each, "attributes": {"ApproximateReceiveCount": "3"}} for each in records]}
    again: list[tuple[str, int]] = []

    def handle(body: str) -> None:
        if body == "bad":
            raise ValueError(body)

    answer = each_message(event, LambdaContext(), handle, lambda *message: again.append(message))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert again == [("receipt of bad", 3)]


def test_a_message_fails_for_its_own_reason_though_it_cannot_be_let_come_again() -> None:
    record = {"messageId": "m-1", "receiptHandle": "r-1", "body": "{}", "eventSource": "aws:sqs"}
    event = {"Records": [{**record, "attributes": {"ApproximateReceiveCount": "1"}}]}

    def handle(body: str) -> None:
        raise ValueError(f"{body} is no message")

    def refuse(_: str, __: int) -> None:
        raise ConnectionError("SQS did not answer")

    with pytest.raises(BatchProcessingError, match="is no message") as failed:
        each_message(event, LambdaContext(), handle, refuse)
    assert "SQS did not answer" not in str(failed.value)
