"""What adapters do to queues, topics, logs, registries and parameters, seen from the other side."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from dropforge.adapters import ssm
from dropforge.adapters.clients import AwsClients
from dropforge.adapters.ecr import EcrImageRegistry
from dropforge.adapters.events.wakeup import seal_in
from dropforge.adapters.logs import CloudWatchJobLogs
from dropforge.adapters.sagemaker import SageMakerJobs
from dropforge.adapters.sns import OUTCOME_ATTRIBUTE, PROJECT_ATTRIBUTE, SnsAnnouncer
from dropforge.adapters.sqs import ABSORBING, SqsSource
from dropforge.adapters.surroundings import AwsSurroundings
from dropforge.adapters.training_job_request import JobSurroundings
from dropforge.domain.announcement import Announcement, AnnouncementKey, Outcome, SubjectKind
from dropforge.domain.mail import Mail
from dropforge.domain.project import OnData, Project
from dropforge.settings import Deployment, deployment_parameter, project_parameter
from tests.contract.records import NOON
from tests.contract.waking import wakeups_by
from tests.fakes.world import ManualClock

pytestmark = pytest.mark.local


def a_queue(aws: AwsClients, *, fifo: bool = False) -> str:
    name = f"contract-{uuid4().hex[:12]}"
    if not fifo:
        return aws.sqs.create_queue(QueueName=name)["QueueUrl"]
    return aws.sqs.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]


def bodies(aws: AwsClients, queue: str) -> list[str]:
    received: list[str] = []
    while messages := aws.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        received += [message["Body"] for message in messages]
        for message in messages:
            aws.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return received


def an_announcement(project: str | None, outcome: Outcome) -> Announcement:
    return Announcement(AnnouncementKey(SubjectKind.NOTICE, "0" * 20), project, outcome, NOON)


def test_wake_ups_of_the_dispatcher_at_one_time_are_one_and_a_later_one_is_another(local_aws: AwsClients) -> None:
    dispatch, clock = a_queue(local_aws, fifo=True), ManualClock()
    wakeups = wakeups_by(local_aws, clock, dispatch=dispatch)
    for _ in range(3):
        wakeups.dispatch()
        clock.wait(ABSORBING / 4)
    assert len(bodies(local_aws, dispatch)) == 1
    clock.wait(ABSORBING / 4)
    wakeups.dispatch()
    assert len(bodies(local_aws, dispatch)) == 1


def test_a_wake_up_that_failed_comes_again_before_its_time_and_holds_up_none_that_follows(
    local_aws: AwsClients,
) -> None:
    dispatch, clock = a_queue(local_aws, fifo=True), ManualClock()
    wakeups_by(local_aws, clock, dispatch=dispatch).dispatch()
    taken = local_aws.sqs.receive_message(QueueUrl=dispatch, VisibilityTimeout=600)["Messages"]
    clock.wait(ABSORBING)
    wakeups_by(local_aws, clock, dispatch=dispatch).dispatch()
    assert bodies(local_aws, dispatch) == []
    SqsSource(local_aws, dispatch, [timedelta(0)]).come_again_soon(each["ReceiptHandle"] for each in taken)
    assert len(bodies(local_aws, dispatch)) == 2


def test_an_address_that_confirmed_no_subscription_is_found_whether_outcomes_or_alarms_are_sent_there(
    local_aws: AwsClients,
) -> None:
    name = f"contract-{uuid4().hex[:12]}"
    outcomes, alarms = (
        local_aws.sns.create_topic(Name=f"{name}-{what}")["TopicArn"] for what in ("outcomes", "alarms")
    )
    local_aws.sns.subscribe(TopicArn=outcomes, Protocol="email", Endpoint="ada@example.com")
    local_aws.sns.subscribe(TopicArn=alarms, Protocol="email", Endpoint="ops@example.com")
    surroundings = AwsSurroundings(local_aws, name, "", outcomes)
    assert surroundings.unconfirmed_mails() == ("ada@example.com", "ops@example.com")


def test_a_message_that_failed_comes_again_before_its_queues_own_time(local_aws: AwsClients) -> None:
    queue = a_queue(local_aws)
    wakeups_by(local_aws, seal=queue).seal("digits", timedelta(0))
    (taken,) = local_aws.sqs.receive_message(QueueUrl=queue, VisibilityTimeout=600)["Messages"]
    source = SqsSource(local_aws, queue, patience=[timedelta(minutes=9), timedelta(0)])
    source.come_again(taken["ReceiptHandle"], received=1)
    assert bodies(local_aws, queue) == []
    source.come_again(taken["ReceiptHandle"], received=2)
    assert bodies(local_aws, queue) == [taken["Body"]]


def test_a_wake_up_of_the_sealing_names_its_project(local_aws: AwsClients) -> None:
    seal = a_queue(local_aws)
    wakeups_by(local_aws, seal=seal).seal("digits", timedelta(0))
    assert [seal_in(body) for body in bodies(local_aws, seal)] == [("digits", None)]


def test_a_wake_up_for_later_is_not_there_yet_even_beyond_the_longest_delay(local_aws: AwsClients) -> None:
    seal = a_queue(local_aws)
    wakeups_by(local_aws, seal=seal).seal("digits", timedelta(hours=5))
    assert bodies(local_aws, seal) == []


def test_mail_reaches_those_alone_who_subscribed_to_its_project_and_outcome(local_aws: AwsClients) -> None:
    topic = local_aws.sns.create_topic(Name=f"contract-{uuid4().hex[:12]}")["TopicArn"]
    ada = subscribe(local_aws, topic, {PROJECT_ATTRIBUTE: ["digits"], OUTCOME_ATTRIBUTE: ["completed"]})
    ops = subscribe(local_aws, topic, {OUTCOME_ATTRIBUTE: ["failed", "refused"]})
    announcer = SnsAnnouncer(local_aws, topic)
    announcer.publish(Mail.of("digits completed", "well"), an_announcement("digits", Outcome.COMPLETED))
    announcer.publish(Mail.of("digits failed", "oh"), an_announcement("digits", Outcome.FAILED))
    announcer.publish(Mail.of("stray object", "hm"), an_announcement(None, Outcome.REFUSED))
    assert subjects(local_aws, ada) == ["digits completed"]
    assert subjects(local_aws, ops) == ["digits failed", "stray object"]


def test_who_is_no_chat_gets_the_text_alone(local_aws: AwsClients) -> None:
    topic = local_aws.sns.create_topic(Name=f"contract-{uuid4().hex[:12]}")["TopicArn"]
    queue = subscribe(local_aws, topic, {OUTCOME_ATTRIBUTE: ["completed"]})
    mail = Mail.of("digits completed", ["gr\u00fc\u00dfe", "\u201cwell\u201d"])
    SnsAnnouncer(local_aws, topic).publish(mail, an_announcement("digits", Outcome.COMPLETED))
    assert [json.loads(body)["Message"] for body in bodies(local_aws, queue)] == [mail.body]


def subscribe(aws: AwsClients, topic: str, wanted: Mapping[str, Any]) -> str:
    queue = a_queue(aws)
    arn = aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
            }
        ],
    }
    aws.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    aws.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"FilterPolicy": json.dumps(wanted)})
    return queue


def subjects(aws: AwsClients, queue: str) -> list[str]:
    return sorted(json.loads(body)["Subject"] for body in bodies(aws, queue))


def test_a_jobs_log_is_read_from_its_end_and_no_other_jobs(local_aws: AwsClients) -> None:
    group = f"/contract/{uuid4().hex[:12]}"
    local_aws.logs.create_log_group(logGroupName=group)
    write(local_aws, group, "job-01/algo-1-1700000000", [f"line {number}\n" for number in range(30)])
    write(local_aws, group, "job-011/algo-1-1700000000", ["of another job"])
    logs = CloudWatchJobLogs(local_aws, group)
    assert logs.tail("job-01", 3) == ("line 27", "line 28", "line 29")
    assert logs.first_line("job-01") == "line 0"


def test_a_jobs_log_is_followed_from_its_first_line_and_no_line_is_told_twice(local_aws: AwsClients) -> None:
    group, stream = f"/contract/{uuid4().hex[:12]}", "job-01/algo-1-1700000000"
    local_aws.logs.create_log_group(logGroupName=group)
    logs = CloudWatchJobLogs(local_aws, group)
    nothing = logs.after("job-01", {})
    write(local_aws, group, stream, ["one", "two"])
    first = logs.after("job-01", nothing.read)
    again = logs.after("job-01", first.read)
    event: Any = {"timestamp": int(NOON.timestamp() * 1000) + 9, "message": "three"}
    local_aws.logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])
    last = logs.after("job-01", again.read)
    assert [part.lines for part in (nothing, first, again, last)] == [(), ("one", "two"), (), ("three",)]


def test_a_job_that_wrote_nothing_has_an_empty_log(local_aws: AwsClients) -> None:
    group = f"/contract/{uuid4().hex[:12]}"
    assert CloudWatchJobLogs(local_aws, group).tail("job-01", 3) == ()
    local_aws.logs.create_log_group(logGroupName=group)
    assert CloudWatchJobLogs(local_aws, group).tail("job-01", 3) == ()


def write(aws: AwsClients, group: str, stream: str, lines: list[str]) -> None:
    aws.logs.create_log_stream(logGroupName=group, logStreamName=stream)
    first = int(NOON.timestamp() * 1000)
    events: Any = [{"timestamp": first + number, "message": line} for number, line in enumerate(lines)]
    aws.logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def test_the_digest_of_a_pushed_image_is_the_registrys_own(local_aws: AwsClients) -> None:
    repository = f"contract-{uuid4().hex[:8]}/digits"
    uri = local_aws.ecr.create_repository(repositoryName=repository)["repository"]["repositoryUri"]
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []})
    put = local_aws.ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag="c1-e1")
    registry = EcrImageRegistry(local_aws, repository.removesuffix("/digits"))
    pushed = registry.pushed_image("digits", "c1-e1")
    assert pushed is not None
    assert pushed.digest == put["image"]["imageId"]["imageDigest"]
    assert (pushed.repository, pushed.uri) == (repository, f"{uri}@{pushed.digest}")
    assert pushed.pushed_at.tzinfo is not None
    assert registry.pushed_image("digits", "c2-e1") is None
    assert registry.holds("digits", pushed.digest)
    assert not registry.holds("digits", "sha256:" + "0" * 64)
    assert not registry.holds("no-such-project", pushed.digest)
    (since,) = registry.pushed_since("digits", pushed.pushed_at)
    assert (since.tag, since.digest, since.pushed_at) == ("c1-e1", pushed.digest, pushed.pushed_at)
    assert list(registry.pushed_since("digits", pushed.pushed_at + timedelta(minutes=1))) == []


def test_a_deployed_stage_is_found_by_what_its_stacks_published(local_aws: AwsClients) -> None:
    stage = f"s{uuid4().hex[:8]}"
    with pytest.raises(ssm.NotDeployedError, match=stage):
        ssm.deployment(local_aws.ssm, stage)
    deployment = Deployment(**{field: f"the {field}" for field in Deployment.__dataclass_fields__})
    projects = [
        Project(f"p{number:02d}", "example/p", f"p{number:02d}/", on_data=OnData.REBUILD) for number in range(12)
    ]
    put(local_aws, deployment_parameter(stage), deployment.to_document())
    for project in projects:
        put(local_aws, project_parameter(stage, project.name), project.to_document())
    assert ssm.deployment(local_aws.ssm, stage) == deployment
    assert ssm.projects(local_aws.ssm, stage) == tuple(projects)


def put(aws: AwsClients, name: str, document: object) -> None:
    aws.ssm.put_parameter(Name=name, Value=json.dumps(document), Type="String")


def test_a_training_job_that_nobody_created_is_none(local_aws: AwsClients) -> None:
    jobs = SageMakerJobs(local_aws, JobSurroundings("artifacts", "key", "role"))
    assert jobs.describe("dropforge-test-0123456789abcdef0123-01") is None
