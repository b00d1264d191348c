"""The dead-letter queues of a deployment: what lies in them and why, and the way back.

Messages are sent back one by one, each deleted once its copy is sent: whoever handles them is idempotent, so that a
redrive which is cut off may be repeated. SQS's own StartMessageMoveTask knows only queues whose source is a queue, and
neither EventBridge's nor Lambda's:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from enum import Enum, auto
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.dead_letter_reasons import FunctionLogs, reason_of_call, reason_of_event
from dropforge.adapters.sqs import DISPATCH_GROUP
from dropforge.domain.dead_letter import DeadLetter, Redriven
from dropforge.domain.errors import DropforgeError

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

SOURCES: Final = MappingProxyType(
    {
        "ingest": "data_dropped",
        "seal": "seal_dataset",
        "dispatch": "dispatch_runs",
        "job-state": "record_job_state",
        "build-state": "record_build_state",
        "sign": "sign_run",
        "sweep": "sweep",
        "deliver": "deliver_state",
    }
)
"""Each queue that a function reads, and the function; what fails there lies in `<queue>-dead-letters`."""
OF_SINKS: Final = frozenset({"deliver"})
"""Those that there are only where the configuration switches a sink on."""
UNDELIVERED: Final = "undelivered-events"
ABANDONED: Final = "abandoned-calls"
QUEUES: Final = (*(f"{source}-dead-letters" for source in SOURCES), UNDELIVERED, ABANDONED)

_LOOK_SECONDS: Final = 30
_WORK_SECONDS: Final = 120
_PAGE: Final = 10


class UnknownQueueError(DropforgeError):
    """The deployment has no dead-letter queue of that name."""


class _Fate(Enum):
    """What became of a letter that was to be sent back."""

    SENT = auto()
    DROPPED = auto()
    """There is nothing to send: the sweep looks for such things itself, or the next deployment asks for them anew."""
    KEPT = auto()
    """It does not say where it was to go."""


class SqsDeadLetters:
    """Of the deployment whose name all its queues begin with."""

    def __init__(self, clients: AwsClients, deployment: str) -> None:
        self._clients = clients
        self._deployment = deployment
        self._logs = FunctionLogs(clients, deployment)

    @property
    def queues(self) -> tuple[str, ...]:
        """Those that the deployment has."""
        return tuple(each for each in QUEUES if self._is_there(each))

    def letters(self, queue: str, limit: int) -> tuple[DeadLetter, ...]:
        """At most so many of what lies in the queue; they stay there. UnknownQueueError.

        Of an ordered queue SQS shows no more than it gives in one answer, ten at most, while those are in hand:
        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
        """
        url = self.url(self._known(queue))
        found = list(self._messages(url, _LOOK_SECONDS, limit))
        for message in found:
            self._clients.sqs.change_message_visibility(
                QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
            )
        return tuple(self._letter(queue, message) for message in found)

    def redrive(self, queue: str) -> Redriven:
        """Send all that lies in the queue back to where it was to go. UnknownQueueError."""
        url, fates = self.url(self._known(queue)), Counter[_Fate]()
        for message in self._messages(url, _WORK_SECONDS):
            fate = self._send_back(queue, message)
            fates[fate] += 1
            if fate is not _Fate.KEPT:
                self._clients.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return Redriven(queue, fates[_Fate.SENT], fates[_Fate.DROPPED], fates[_Fate.KEPT])

    def _known(self, queue: str) -> str:
        if queue not in QUEUES or not self._is_there(queue):
            raise UnknownQueueError(f"There is no dead-letter queue {queue}: there are {', '.join(self.queues)}.")
        return queue

    def _is_there(self, queue: str) -> bool:
        if _source(queue) not in OF_SINKS:
            return True
        try:
            self.url(queue)
        except self._clients.sqs.exceptions.QueueDoesNotExist:
            return False
        return True

    def _messages(self, url: str, seconds: int, limit: int | None = None) -> Iterator[MessageTypeDef]:
        left = limit
        while left is None or left > 0:
            answer = self._clients.sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=min(left or _PAGE, _PAGE),
                VisibilityTimeout=seconds,
                WaitTimeSeconds=1,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            messages = answer.get("Messages", [])
            yield from messages
            if not messages:
                return
            left = None if left is None else left - len(messages)

    def _letter(self, queue: str, message: MessageTypeDef) -> DeadLetter:
        system: Mapping[Any, str] = message.get("Attributes", {})
        sent_at = datetime.fromtimestamp(int(system.get("SentTimestamp", "0")) / 1000, UTC)
        receives = int(system.get("ApproximateReceiveCount", "0"))
        reason = self._reason(queue, message, receives)
        return DeadLetter(queue, message["MessageId"], sent_at, receives, reason, message["Body"])

    def _reason(self, queue: str, message: MessageTypeDef, receives: int) -> str:
        if queue == UNDELIVERED:
            return reason_of_event(_attributes(message))
        if queue == ABANDONED:
            return reason_of_call(message["Body"])
        return self._logs.reason(SOURCES[_source(queue)], message["MessageId"], receives)

    def _send_back(self, queue: str, message: MessageTypeDef) -> _Fate:
        if queue == ABANDONED:
            return self._call_again(json.loads(message["Body"]))
        if queue != UNDELIVERED:
            self._send(self.url(_source(queue)), message)
            return _Fate.SENT
        target = _attributes(message).get("TARGET_ARN", "").rpartition(":")[2]
        if not target:
            return _Fate.KEPT
        self._send(self._clients.sqs.get_queue_url(QueueName=target)["QueueUrl"], message)
        return _Fate.SENT

    def _send(self, url: str, message: MessageTypeDef) -> None:
        fifo: dict[str, Any] = {}
        if url.endswith(".fifo"):
            fifo = {"MessageGroupId": DISPATCH_GROUP, "MessageDeduplicationId": uuid4().hex}
        self._clients.sqs.send_message(QueueUrl=url, MessageBody=message["Body"], **fifo)

    def _call_again(self, call: Mapping[str, Any]) -> _Fate:
        """Of a stream there is only a pointer, and its records may be gone; what is pending the sweep sends.

        Nor is CloudFormation's request sent again: it was answered, or its deployment no longer waits for the answer.
        """
        if "DDBStreamBatchInfo" in call or "ResponseURL" in call["requestPayload"]:
            return _Fate.DROPPED
        function = call["requestContext"]["functionArn"].removesuffix(":$LATEST")
        payload = json.dumps(call["requestPayload"]).encode()
        # Only the command line redrives, so the functions' bundle need not know this service.
        caller: LambdaClient = self._clients.session.client("lambda")
        caller.invoke(FunctionName=function, InvocationType="Event", Payload=payload)
        return _Fate.SENT

    def url(self, queue: str) -> str:
        fifo = ".fifo" if queue in {"dispatch", "dispatch-dead-letters"} else ""
        return self._clients.sqs.get_queue_url(QueueName=f"{self._deployment}-{queue}{fifo}")["QueueUrl"]


def _source(queue: str) -> str:
    return queue.removesuffix("-dead-letters")


def _attributes(message: MessageTypeDef) -> dict[str, str]:
    return {name: value.get("StringValue", "") for name, value in message.get("MessageAttributes", {}).items()}
