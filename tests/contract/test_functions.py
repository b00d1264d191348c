"""The functions' entry points as Lambda calls them: a bundle of their own, an environment, and real messages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.dynamodb.announcement_items import announcement_item
from dropforge.adapters.dynamodb.items import encoded
from dropforge.adapters.dynamodb.store import DynamoMetadataStore
from dropforge.adapters.dynamodb.tables import Tables
from dropforge.domain.announcement import AnnouncementState, Outcome
from dropforge.domain.head import SealTimer
from dropforge.domain.notice import Notice
from dropforge.domain.project import Project, SealPolicy
from dropforge.settings import (
    PROJECTS_FILE,
    AnnounceSettings,
    DataDroppedSettings,
    SealDatasetSettings,
    StoreSettings,
    to_environment,
)
from tests.contract.conftest import LocalBucket
from tests.contract.records import NOON

pytestmark = pytest.mark.local

ROOT = Path(__file__).parents[2]
DIGITS = Project("digits", "example/digits", "digits/", seal=SealPolicy(quiet_seconds=0))
CALL = """
import json, sys
from types import SimpleNamespace
from lambdas.{0} import handler
context = SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: 900_000)
print(json.dumps(handler(json.load(sys.stdin), context)))
"""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A folder like a function's: the package, the entry points and the projects."""
    for package in ("dropforge", "lambdas"):
        (tmp_path / package).symlink_to(ROOT / package)
    (tmp_path / PROJECTS_FILE).write_text(json.dumps([DIGITS.to_document()]), encoding="utf-8")
    return tmp_path


def run(
    bundle: Path, module: str, event: dict[str, Any], environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CALL.format(module)],
        input=json.dumps(event),
        cwd=bundle,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def answer(bundle: Path, module: str, event: dict[str, Any], settings: StoreSettings) -> Any:
    done = run(bundle, module, event, to_environment(settings))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def sqs_event(*messages: str) -> dict[str, Any]:
    """Messages that no queue knows: one that fails cannot be let come again, and is reported all the same."""
    common = {"eventSource": "aws:sqs", "attributes": {"ApproximateReceiveCount": "1"}, "messageAttributes": {}}
    records = [
        {"messageId": str(number), "receiptHandle": f"r-{number}", "body": body, **common}
        for number, body in enumerate(messages)
    ]
    return {"Records": records}


def recorded(name: str) -> str:
    return (ROOT / "tests" / "events" / f"{name}.json").read_text(encoding="utf-8")


@pytest.fixture
def dropping(local_aws: AwsClients, tables: Tables) -> DataDroppedSettings:
    name = f"contract-{uuid4().hex[:12]}"
    fifo = local_aws.sqs.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    seal = local_aws.sqs.create_queue(QueueName=name)["QueueUrl"]
    ingest = local_aws.sqs.create_queue(QueueName=f"{name}-ingest")["QueueUrl"]
    return DataDroppedSettings(
        stage="test",
        state_table=tables.state,
        trail_table=tables.trail,
        source_queue_url=ingest,
        dispatch_queue_url=fifo,
        seal_queue_url=seal,
        sign_queue_url=seal,
        training_bucket="dropforge-dev-training",
        artifact_bucket="dropforge-dev-artifacts",
        key_arn="arn:aws:kms:us-east-1:111122223333:key/1",
    )


def test_a_dropped_object_is_on_record_and_its_project_will_be_sealed(
    bundle: Path, tables: Tables, local_aws: AwsClients, dropping: DataDroppedSettings
) -> None:
    event = sqs_event(recorded("s3_notification_put"))
    assert answer(bundle, "data_dropped", event, dropping) == {"batchItemFailures": []}
    store, key = DynamoMetadataStore(tables), "digits/train/march 2026+1.csv"
    drop = store.drop("dropforge-dev-training", key, "096fKKXTRTtl3on89fVO.nfljtsv6qko")
    assert drop is not None
    assert drop.principal == "AWS:AIDAEXAMPLEPRINCIPAL"
    assert store.seal_timer("digits") is not None
    (message,) = local_aws.sqs.receive_message(QueueUrl=dropping.seal_queue_url)["Messages"]
    assert json.loads(message["Body"]) == {"project": "digits"}


def test_of_a_batch_only_the_message_that_failed_is_reported_and_the_log_says_why(
    bundle: Path, tables: Tables, dropping: DataDroppedSettings
) -> None:
    good, broken = recorded("s3_notification_put"), recorded("s3_notification_from_a_later_major_version")
    done = run(bundle, "data_dropped", sqs_event(broken, recorded("s3_test_event"), good), to_environment(dropping))
    assert json.loads(done.stdout.splitlines()[-1]) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert DynamoMetadataStore(tables).seal_timer("digits") is not None
    assert "version 3.0" in done.stdout


def test_of_a_message_with_several_records_the_one_that_failed_goes_on_alone_and_its_neighbours_are_done(
    bundle: Path, tables: Tables, local_aws: AwsClients, dropping: DataDroppedSettings
) -> None:
    (broken,) = json.loads(recorded("s3_notification_from_a_later_major_version"))["Records"]
    good = json.loads(recorded("s3_notification_several_records"))["Records"]
    event = sqs_event(json.dumps({"Records": [good[0], broken, good[1]]}))
    assert answer(bundle, "data_dropped", event, dropping) == {"batchItemFailures": []}
    timer = DynamoMetadataStore(tables).seal_timer("digits")
    assert timer is not None
    assert timer.revision == len(good)
    (alone,) = local_aws.sqs.receive_message(QueueUrl=dropping.source_queue_url, MaxNumberOfMessages=10)["Messages"]
    assert json.loads(alone["Body"]) == {"Records": [broken]}
    assert run(bundle, "data_dropped", sqs_event(alone["Body"]), to_environment(dropping)).returncode != 0


def test_a_message_delivered_twice_leaves_one_record(
    bundle: Path, tables: Tables, dropping: DataDroppedSettings
) -> None:
    event = sqs_event(recorded("s3_notification_put").replace("digits/", "elsewhere/"))
    for _ in range(2):
        answer(bundle, "data_dropped", event, dropping)
    (notice,) = DynamoMetadataStore(tables).notices(10)
    assert notice.kind is Outcome.REFUSED


def test_a_schedules_tick_looks_at_all_projects_and_finds_nothing_due(
    bundle: Path, tables: Tables, dropping: DataDroppedSettings
) -> None:
    settings = SealDatasetSettings(
        stage="test",
        state_table=tables.state,
        trail_table=tables.trail,
        dispatch_queue_url=dropping.dispatch_queue_url,
        seal_queue_url=dropping.seal_queue_url,
        sign_queue_url=dropping.sign_queue_url,
        training_bucket="training",
        artifact_bucket="artifacts",
        key_arn="key",
        connection_arn="connection",
    )
    tick = {"version": "0", "detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}
    assert answer(bundle, "seal_dataset", sqs_event(json.dumps(tick)), settings) == {"batchItemFailures": []}


def test_a_wake_up_seals_the_objects_that_were_dropped(
    bundle: Path, tables: Tables, local_aws: AwsClients, dropping: DataDroppedSettings
) -> None:
    bucket, store = LocalBucket(local_aws), DynamoMetadataStore(tables)
    bucket.put("digits/train/a.csv", b"rows")
    now = datetime.now(UTC)
    store.touch_seal("digits", "AWS:ADA", now, now)
    settings = SealDatasetSettings(
        stage="test",
        state_table=tables.state,
        trail_table=tables.trail,
        dispatch_queue_url=dropping.dispatch_queue_url,
        seal_queue_url=dropping.seal_queue_url,
        sign_queue_url=dropping.sign_queue_url,
        training_bucket=bucket.training,
        artifact_bucket=bucket.artifacts,
        key_arn=bucket.key,
        connection_arn="connection",
    )
    wakeup = json.dumps({"project": "digits"})
    assert answer(bundle, "seal_dataset", sqs_event(wakeup, wakeup), settings) == {"batchItemFailures": []}
    data = store.head("digits").data
    assert data is not None
    assert (data.dataset.objects, data.dataset.bucket) == (1, bucket.training)
    assert store.seal_timer("digits") == SealTimer("digits", 1, now, "AWS:ADA", None)


def test_an_announcement_in_the_stream_is_sent_once_however_often_it_is_delivered(
    bundle: Path, tables: Tables, local_aws: AwsClients
) -> None:
    topic, queue = topic_and_queue(local_aws)
    store = DynamoMetadataStore(tables)
    notice = Notice(Outcome.REFUSED, "digits", "digits: data was refused", "It is empty: drop it again.", NOON)
    store.put_notice(notice)
    settings = AnnounceSettings(stage="test", state_table=tables.state, trail_table=tables.trail, topic_arn=topic)
    image = encoded(announcement_item(notice.announcement()))
    record = {"eventID": "1", "eventName": "INSERT", "dynamodb": {"NewImage": image, "SequenceNumber": "1"}}
    for _ in range(2):
        assert answer(bundle, "announce", {"Records": [record]}, settings) == {"batchItemFailures": []}
    messages = local_aws.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(message["Body"])["Message"].count("It is empty") for message in messages] == [1]
    announcement = store.announcement(notice.announcement().key)
    assert announcement is not None
    assert announcement.state is AnnouncementState.SENT


def topic_and_queue(aws: AwsClients) -> tuple[str, str]:
    name = f"contract-{uuid4().hex[:12]}"
    topic = aws.sns.create_topic(Name=name)["TopicArn"]
    queue = aws.sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    aws.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return topic, queue


def test_a_function_whose_environment_lacks_something_fails_and_names_it(bundle: Path) -> None:
    done = run(bundle, "data_dropped", sqs_event(recorded("s3_notification_put")), {"DROPFORGE_STAGE": "test"})
    assert done.returncode != 0
    assert "DROPFORGE_STATE_TABLE is not set" in done.stdout + done.stderr
