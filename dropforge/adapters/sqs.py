"""Wake-ups through SQS: a message says only that there is something to look at, never what was decided.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
"""

from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import Final
from uuid import uuid4

from dropforge.adapters.clients import AwsClients
from dropforge.domain.drop import ObjectRef
from dropforge.domain.encoding import encode

DISPATCH_GROUP: Final = "dispatch"
"""All wake-ups of the dispatcher are one FIFO group, so that only one dispatcher works at a time."""

_LONGEST_DELAY: Final = 900


class SqsWakeups:
    """The queue that wakes the dispatcher (FIFO), and those that wake sealing of datasets and signing of runs."""

    def __init__(self, clients: AwsClients, dispatch_queue_url: str, seal_queue_url: str, sign_queue_url: str) -> None:
        self._clients = clients
        self._dispatch_queue_url = dispatch_queue_url
        self._seal_queue_url = seal_queue_url
        self._sign_queue_url = sign_queue_url

    def dispatch(self) -> None:
        """Never deduplicated: a wake-up that follows a finished pass must lead to another one."""
        self._clients.sqs.send_message(
            QueueUrl=self._dispatch_queue_url,
            MessageBody="{}",
            MessageGroupId=DISPATCH_GROUP,
            MessageDeduplicationId=uuid4().hex,
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


class SqsIngest:
    """The queue to which S3 tells of objects, for news that comes apart from the message that brought it."""

    def __init__(self, clients: AwsClients, queue_url: str) -> None:
        self._clients = clients
        self._queue_url = queue_url

    def send(self, body: str) -> None:
        self._clients.sqs.send_message(QueueUrl=self._queue_url, MessageBody=body)
