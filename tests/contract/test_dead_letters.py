"""Dead letters on the local AWS: shown with the reason, and sent back to where they were to go."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.dead_letters import ABANDONED, SOURCES, UNDELIVERED, SqsDeadLetters, UnknownQueueError
from dropforge.domain.dead_letter import Redriven
from tests.contract.test_outward import bodies

pytestmark = pytest.mark.local


class Deployment:
    """One queue with its dead letters, and the queue of what EventBridge could not deliver."""

    def __init__(self, aws: AwsClients, source: str = "job-state", fifo: str = "") -> None:
        self._aws = aws
        self.name = f"dropforge-{uuid4().hex[:8]}"
        attributes: Any = {"FifoQueue": "true"} if fifo else {}
        self.source, self.dead, self.undelivered = (
            aws.sqs.create_queue(QueueName=f"{self.name}-{queue}", Attributes=made)["QueueUrl"]
            for queue, made in (
                (f"{source}{fifo}", attributes),
                (f"{source}-dead-letters{fifo}", attributes),
                (UNDELIVERED, {}),
            )
        )
        self.letters = SqsDeadLetters(aws, self.name)

    def lose(self, url: str, body: str, said: Mapping[str, str] | None = None) -> str:
        attributes: Any = {name: {"DataType": "String", "StringValue": text} for name, text in (said or {}).items()}
        fifo: Any = {"MessageGroupId": "g", "MessageDeduplicationId": uuid4().hex} if url.endswith(".fifo") else {}
        sent = self._aws.sqs.send_message(
            QueueUrl=url,
            MessageBody=body,
            MessageAttributes=attributes,
            **fifo,
        )
        return sent["MessageId"]

    def log(self, module: str, entry: Mapping[str, object]) -> None:
        group = f"/aws/lambda/{self.name}-{module.replace('_', '-')}"
        self._aws.logs.create_log_group(logGroupName=group)
        self._aws.logs.create_log_stream(logGroupName=group, logStreamName="s")
        event = {"timestamp": int(time.time() * 1000), "message": json.dumps(entry)}
        self._aws.logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[event])  # type: ignore[list-item]


def test_a_letter_says_what_its_function_s_log_says_of_it_and_stays(local_aws: AwsClients) -> None:
    deployment = Deployment(local_aws)
    message = deployment.lose(deployment.dead, "{}")
    trace = "Traceback\nKeyError: 'x'"
    deployment.log(SOURCES["job-state"], {"level": "ERROR", "record_id": message, "exception": trace})
    for _ in range(2):
        (letter,) = deployment.letters.letters("job-state-dead-letters", 10)
        assert letter.message_id == message
        assert letter.reason == f"{deployment.name}-record-job-state failed each time, at last with KeyError: 'x'"


def test_where_no_log_tells_it_says_where_to_look(local_aws: AwsClients) -> None:
    deployment = Deployment(local_aws)
    deployment.lose(deployment.dead, "{}")
    (letter,) = deployment.letters.letters("job-state-dead-letters", 10)
    assert f"/aws/lambda/{deployment.name}-record-job-state does not name this message" in letter.reason
    assert letter.reason.startswith("received once, no failure logged: somebody put it here")
    (again,) = deployment.letters.letters("job-state-dead-letters", 10)
    assert "ran out of time each time, or somebody put it here" in again.reason


@pytest.mark.parametrize(("source", "fifo"), [("job-state", ""), ("dispatch", ".fifo")])
def test_all_letters_are_sent_back_once(local_aws: AwsClients, source: str, fifo: str) -> None:
    deployment = Deployment(local_aws, source, fifo)
    for number in range(12):
        deployment.lose(deployment.dead, f"letter {number}")
    queue = f"{source}-dead-letters"
    assert deployment.letters.redrive(queue) == Redriven(queue, 12)
    assert deployment.letters.redrive(queue) == Redriven(queue, 0)
    assert sorted(bodies(local_aws, deployment.source)) == sorted(f"letter {number}" for number in range(12))


def test_an_event_that_was_not_delivered_says_why_and_goes_to_its_target(local_aws: AwsClients) -> None:
    deployment = Deployment(local_aws)
    attributes = local_aws.sqs.get_queue_attributes(QueueUrl=deployment.source, AttributeNames=["QueueArn"])
    said = {
        "RULE_ARN": "arn:aws:events:us-east-1:000000000000:rule/tick",
        "TARGET_ARN": attributes["Attributes"]["QueueArn"],
        "ERROR_CODE": "NO_PERMISSIONS",
        "ERROR_MESSAGE": "denied",
    }
    deployment.lose(deployment.undelivered, '{"detail": 1}', said)
    (letter,) = deployment.letters.letters(UNDELIVERED, 10)
    assert letter.reason.endswith("NO_PERMISSIONS: denied")
    assert deployment.letters.redrive(UNDELIVERED) == Redriven(UNDELIVERED, 1)
    assert bodies(local_aws, deployment.source) == ['{"detail": 1}']


def test_an_event_that_names_no_target_is_left_there_and_holds_up_no_other(local_aws: AwsClients) -> None:
    deployment = Deployment(local_aws)
    attributes = local_aws.sqs.get_queue_attributes(QueueUrl=deployment.source, AttributeNames=["QueueArn"])
    deployment.lose(deployment.undelivered, "to nobody")
    deployment.lose(deployment.undelivered, "to somebody", {"TARGET_ARN": attributes["Attributes"]["QueueArn"]})
    assert deployment.letters.redrive(UNDELIVERED) == Redriven(UNDELIVERED, sent=1, kept=1)
    assert bodies(local_aws, deployment.source) == ["to somebody"]


def test_letters_of_an_ordered_queue_are_shown_and_stay(local_aws: AwsClients) -> None:
    deployment = Deployment(local_aws, "dispatch", ".fifo")
    for number in range(12):
        deployment.lose(deployment.dead, f"letter {number}")
    for _ in range(2):
        first, *rest = deployment.letters.letters("dispatch-dead-letters", 12)
        assert first.body == "letter 0"
        assert len(rest) < 10
    assert deployment.letters.redrive("dispatch-dead-letters").sent == 12


def test_a_queue_that_is_none_is_answered_with_those_that_are(local_aws: AwsClients) -> None:
    with pytest.raises(UnknownQueueError, match="there are ingest-dead-letters, seal-dead-letters"):
        SqsDeadLetters(local_aws, "dropforge-local").letters("job-state", 10)


def test_records_of_a_stream_are_removed_since_the_sweep_sends_what_is_pending(local_aws: AwsClients) -> None:
    deployment = Deployment(local_aws)
    abandoned = local_aws.sqs.create_queue(QueueName=f"{deployment.name}-{ABANDONED}")["QueueUrl"]
    deployment.lose(abandoned, json.dumps({"requestContext": {}, "DDBStreamBatchInfo": {"batchSize": 1}}))
    assert deployment.letters.redrive(ABANDONED) == Redriven(ABANDONED, 0, 1)
    assert deployment.letters.letters(ABANDONED, 10) == ()


def test_a_request_of_cloudformation_is_removed_since_nobody_waits_for_the_answer(local_aws: AwsClients) -> None:
    deployment = Deployment(local_aws)
    abandoned = local_aws.sqs.create_queue(QueueName=f"{deployment.name}-{ABANDONED}")["QueueUrl"]
    function = f"arn:aws:lambda:us-east-1:000000000000:function:{deployment.name}-give-public-key:$LATEST"
    asked = {"RequestType": "Create", "ResponseURL": "https://cloudformation.example/answer?signature=x"}
    call = {"requestContext": {"functionArn": function}, "requestPayload": asked}
    deployment.lose(abandoned, json.dumps(call))
    assert deployment.letters.redrive(ABANDONED) == Redriven(ABANDONED, sent=0, dropped=1)
    assert deployment.letters.letters(ABANDONED, 10) == ()


def test_the_queue_of_the_sinks_is_asked_only_where_there_is_one(local_aws: AwsClients) -> None:
    without, telling = Deployment(local_aws), Deployment(local_aws, "deliver")
    assert "deliver-dead-letters" not in without.letters.queues
    assert "deliver-dead-letters" in telling.letters.queues
    with pytest.raises(UnknownQueueError, match="no dead-letter queue deliver-dead-letters: there are ingest-dead"):
        without.letters.letters("deliver-dead-letters", 1)
