"""Wake-ups through SQS: a message says only that there is something to look at, never what was decided.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from dropforge.adapters.clients import AwsClients
from dropforge.domain.drop import ObjectRef
from dropforge.domain.encoding import encode
from dropforge.workflow.ports import Clock

DISPATCH_GROUP: Final = "dispatch"
"""All wake-ups of the dispatcher are one FIFO group, so that only one dispatcher works at a time."""

DISPATCH_DELAY: Final = timedelta(seconds=1)
"""For how long the dispatcher's queue keeps each message back: SQS counts whole seconds."""
ABSORBING: Final = timedelta(seconds=0.5)
"""Wake-ups of the dispatcher within so long are one message; by how much less than the delay it is, clocks may differ.
"""

_LONGEST_DELAY: Final = 900
PATIENCE: Final = (timedelta(seconds=30), *(timedelta(minutes=minutes) for minutes in (4, 16, 64)))
"""After each of the first four tries; the fifth is the last, and comes when an outage of an hour is over."""


class SqsWakeups:
    """The queue that wakes the dispatcher (FIFO), and those that wake sealing of datasets and signing of runs."""

    def __init__(
        self, clients: AwsClients, clock: Clock, *, dispatch_queue_url: str, seal_queue_url: str, sign_queue_url: str
    ) -> None:
        self._clients = clients
        self._clock = clock
        self._dispatch_queue_url = dispatch_queue_url
        self._seal_queue_url = seal_queue_url
        self._sign_queue_url = sign_queue_url

    def dispatch(self) -> None:
        """Wakes a pass that begins when this is called or later; wake-ups of the same half second share one.

        Of messages with one deduplication id SQS delivers the first alone, for five minutes. None is lost by that: the
        queue keeps the first back until its half second is over and one more, so its pass begins after every wake-up
        that was absorbed by it, and sees what each of them was sent for, which was written before. A clock that is off
        by more than that half second may have its wake-up absorbed by a pass that has begun: the tick of the next
        minute makes good for it.
        """
        self._clients.sqs.send_message(
            QueueUrl=self._dispatch_queue_url,
            MessageBody="{}",
            MessageGroupId=DISPATCH_GROUP,
            MessageDeduplicationId=shared_id(self._clock.now()),
        )

    def seal(self, project: str, after: timedelta, of: ObjectRef | None = None) -> None:
        """Rounded up to a second; beyond SQS's 15 minutes it wakes early, finds nothing due, and the tick follows."""
        self._clients.sqs.send_message(
            QueueUrl=self._seal_queue_url,
            MessageBody=json.dumps({"project": project} | ({"of": encode(of)} if of is not None else {})),
            DelaySeconds=min(max(math.ceil(after.total_seconds()), 0), _LONGEST_DELAY),
        )

    def sign(self, run_id: str) -> None:
        self._clients.sqs.send_message(QueueUrl=self._sign_queue_url, MessageBody=json.dumps({"run": run_id}))


class SqsSource:
    """The queue that wakes a function, for messages that failed: they come again before the queue's visibility timeout.

    That is there for functions that are killed, and has to be longer than these run.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
    """

    def __init__(self, clients: AwsClients, queue_url: str, patience: Sequence[timedelta] = PATIENCE) -> None:
        self._clients = clients
        self._queue_url = queue_url
        self._patience = patience

    def come_again(self, receipt: str, received: int) -> None:
        """Of a message that was received so often; what fails the last time is given up by SQS when it comes again.

        It waits longer each time: what has passed in half a minute costs no more, and what lasts an hour makes no dead
        letter.
        """
        self._come_again(receipt, again_after(received, self._patience))

    def come_again_soon(self, receipts: Iterable[str]) -> None:
        """Of messages of a FIFO queue, where all that follow in the group wait for them.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
        """
        for receipt in receipts:
            self._come_again(receipt, self._patience[0])

    def send(self, body: str) -> None:
        """Let a part of a message come as one of its own."""
        self._clients.sqs.send_message(QueueUrl=self._queue_url, MessageBody=body)

    def _come_again(self, receipt: str, after: timedelta) -> None:
        self._clients.sqs.change_message_visibility(
            QueueUrl=self._queue_url, ReceiptHandle=receipt, VisibilityTimeout=int(after.total_seconds())
        )


def again_after(received: int, patience: Sequence[timedelta] = PATIENCE) -> timedelta:
    """How long a message that failed waits; after more tries than there is patience for, as after the first."""
    return patience[received - 1] if received <= len(patience) else patience[0]


def shared_id(at: datetime) -> str:
    """The deduplication id of all wake-ups of the dispatcher of that half second."""
    return f"half-second-{at.timestamp() // ABSORBING.total_seconds():.0f}"
