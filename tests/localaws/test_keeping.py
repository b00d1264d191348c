"""What was acknowledged is there after `kill -9`, however soon that comes.

Each story is told up to its `yield`, all of them on one server, which is killed then and started again: that takes
longer than any of them.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.processes import started_at
from tests.localaws.local_server import LocalServer, eventually, kill, run_command, start
from tests.localaws.training_world import TrainingWorld

pytestmark = [pytest.mark.local, pytest.mark.xdist_group("keeping")]

Story = Generator[None, LocalServer, None]
"""Hands over at each `yield`, and goes on with the server that was started after the kill."""


def table(server: LocalServer, name: str = "kept") -> str:
    """Make a table with a stream; return the stream's ARN."""
    made = server.client("dynamodb").create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )  # fmt: skip
    stream: str = made["TableDescription"]["LatestStreamArn"]
    return stream


def items(server: LocalServer, name: str = "kept") -> dict[str, Any]:
    found = server.client("dynamodb").scan(TableName=name)["Items"]
    return {item["k"]["S"]: {key: value for key, value in item.items() if key != "k"} for item in found}


def records(server: LocalServer, stream: str) -> list[str]:
    """What each record of a stream is about, from the first on."""
    streams = server.client("dynamodbstreams")
    [shard] = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
    iterator = streams.get_shard_iterator(
        StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]  # fmt: skip
    found = streams.get_records(ShardIterator=iterator)["Records"]
    return [f"{each['eventName']} {each['dynamodb']['Keys']['k']['S']}" for each in found]


def received(server: LocalServer, url: str, **options: Any) -> list[dict[str, Any]]:
    answer = server.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, **options)
    return list(answer.get("Messages", ()))


def items_are_as_they_were_last_written(server: LocalServer) -> Story:
    dynamodb = server.client("dynamodb")
    stream = table(server)
    for key in ("put", "updated", "deleted"):
        dynamodb.put_item(TableName="kept", Item={"k": {"S": key}})
    dynamodb.update_item(
        TableName="kept", Key={"k": {"S": "updated"}}, UpdateExpression="SET n = :n",
        ExpressionAttributeValues={":n": {"N": "1"}},
    )  # fmt: skip
    dynamodb.delete_item(TableName="kept", Key={"k": {"S": "deleted"}})
    written = {"Put": {"TableName": "kept", "Item": {"k": {"S": "transacted"}}}}
    dynamodb.transact_write_items(TransactItems=[written])

    again = yield

    assert items(again) == {"put": {}, "updated": {"n": {"N": "1"}}, "transacted": {}}
    assert records(again, stream) == [
        "INSERT put", "INSERT updated", "INSERT deleted", "MODIFY updated", "REMOVE deleted", "INSERT transacted",
    ]  # fmt: skip
    again.client("dynamodb").put_item(TableName="kept", Item={"k": {"S": "later"}})
    assert records(again, stream)[-1] == "INSERT later"


def a_table_that_is_made_anew_does_not_get_the_items_of_the_one_before(server: LocalServer) -> Story:
    table(server, "anew")
    server.client("dynamodb").put_item(TableName="anew", Item={"k": {"S": "before"}})
    server.client("dynamodb").delete_table(TableName="anew")
    stream = table(server, "anew")
    server.client("dynamodb").put_item(TableName="anew", Item={"k": {"S": "after"}})

    again = yield

    assert items(again, "anew") == {"after": {}}
    assert records(again, stream) == ["INSERT after"]


def messages_are_there_once_and_what_was_in_somebodys_hands_can_be_had_again(server: LocalServer) -> Story:
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName="kept", Attributes={"VisibilityTimeout": "900"})["QueueUrl"]
    for body in ("deleted", "in hand", "waiting"):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    first, second = received(server, url)[:2]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    sqs.send_message(QueueUrl=url, MessageBody="late")

    again = yield

    messages = received(again, url, AttributeNames=["ApproximateReceiveCount"])

    assert [message["Body"] for message in messages] == ["in hand", "waiting", "late"]
    assert messages[0]["MessageId"] == second["MessageId"]
    assert messages[0]["Attributes"]["ApproximateReceiveCount"] == "2"


def a_group_keeps_its_order_and_knows_what_it_has_had(server: LocalServer) -> Story:
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName="kept.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]

    def send(body: str) -> str:
        """Return its number in the queue."""
        sent = sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId="g", MessageDeduplicationId=body)
        return str(sent["SequenceNumber"])

    before = [send(body) for body in ("one", "two", "three")]

    again = yield
    sqs = again.client("sqs")
    send("two")
    assert send("four") > max(before)
    found = list[str]()
    for _ in range(4):
        for message in received(again, url):
            found.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    assert found == ["one", "two", "three", "four"]


def a_queue_that_is_deleted_after_a_start_leaves_nothing_behind(server: LocalServer) -> Story:
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName="gone.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="had", MessageGroupId="g", MessageDeduplicationId="had")
    [message] = received(server, url)
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    again = yield
    again.client("sqs").delete_queue(QueueUrl=url)
    again = yield

    assert not again.client("sqs").list_queues(QueueNamePrefix="gone").get("QueueUrls")
    sqs = again.client("sqs")
    url = sqs.create_queue(QueueName="gone.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="anew", MessageGroupId="g", MessageDeduplicationId="had")
    assert [each["Body"] for each in received(again, url)] == ["anew"]


def an_object_and_the_event_that_tells_of_it_are_there(server: LocalServer) -> Story:
    s3, sqs = server.client("s3"), server.client("sqs")
    url = sqs.create_queue(QueueName="drops")["QueueUrl"]
    arn = f"arn:aws:sqs:{server.region}:{server.account}:drops"
    allowed = {"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:*", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    s3.create_bucket(Bucket="kept")
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    told = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket="kept", NotificationConfiguration={"QueueConfigurations": [told]}, SkipDestinationValidation=True
    )
    versions = [s3.put_object(Bucket="kept", Key="a key", Body=body)["VersionId"] for body in (b"1", b"2")]

    again = yield

    s3 = again.client("s3")
    bodies = [s3.get_object(Bucket="kept", Key="a key", VersionId=version)["Body"].read() for version in versions]
    assert bodies == [b"1", b"2"]
    events = [json.loads(message["Body"]) for message in received(again, url)]
    objects = [event["Records"][0]["s3"]["object"]["versionId"] for event in events if "Records" in event]
    assert objects == versions


def an_event_that_is_on_its_way_to_a_queue_arrives(server: LocalServer) -> Story:
    sqs, events = server.client("sqs"), server.client("events")
    url = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = f"arn:aws:sqs:{server.region}:{server.account}:told"
    allowed = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:*", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events.put_rule(Name="told", EventPattern=json.dumps({"source": ["test"]}))
    events.put_targets(Rule="told", Targets=[{"Id": "queue", "Arn": arn}])
    entries = [{"Source": "test", "DetailType": "Number", "Detail": json.dumps({"number": n})} for n in range(10)]
    events.put_events(Entries=entries)

    again = yield

    numbers = set[int]()

    def all_told() -> bool:
        numbers.update(json.loads(message["Body"])["detail"]["number"] for message in received(again, url))
        return numbers == set(range(10))

    eventually(all_told, "all ten events")


def roles_parameters_and_stacks_are_there_as_they_last_were(server: LocalServer) -> Story:
    def template(**parameters: str) -> str:
        named = {name: {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}
                 for name, value in parameters.items()}  # fmt: skip
        return json.dumps({"Resources": named, "Outputs": {"Kept": {"Value": "v", "Export": {"Name": "kept"}}}})

    role = server.role("kept", "lambda.amazonaws.com")
    server.client("ssm").put_parameter(Name="/kept", Value="a value", Type="String")
    stacks = server.client("cloudformation")
    stacks.create_stack(StackName="kept", TemplateBody=template(First="1"))
    stacks.create_stack(StackName="gone", TemplateBody=json.dumps({"Resources": {"Gone": {"Type": "AWS::SQS::Queue"}}}))
    stacks.update_stack(StackName="kept", TemplateBody=template(First="1", Second="2"))
    stacks.delete_stack(StackName="gone")
    happened = stacks.describe_stack_events(StackName="kept")["StackEvents"]

    again = yield

    assert again.client("iam").get_role(RoleName="kept")["Role"]["Arn"] == role
    assert again.client("ssm").get_parameter(Name="/kept")["Parameter"]["Value"] == "a value"
    stacks = again.client("cloudformation")
    there = {stack["StackName"]: stack["StackStatus"] for stack in stacks.describe_stacks()["Stacks"]}
    assert there.get("kept") == "UPDATE_COMPLETE"
    assert "gone" not in there
    resources = stacks.describe_stack_resources(StackName="kept")["StackResources"]
    assert {resource["LogicalResourceId"] for resource in resources} == {"First", "Second"}
    second = next(each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == "Second")
    assert again.client("ssm").get_parameter(Name=second)["Parameter"]["Value"] == "2"
    assert stacks.describe_stack_events(StackName="kept")["StackEvents"] == happened
    assert [export["Name"] for export in stacks.list_exports()["Exports"]] == ["kept"]


def a_job_that_was_cut_off_has_failed_its_program_is_gone_and_both_are_told(server: LocalServer) -> Story:
    folder = server.home.root.parent / "image"
    folder.mkdir()
    world = TrainingWorld.make(server, folder)
    world.start("done")
    world.ended("done")
    world.start("cut-off", "sleep")
    [program] = eventually(lambda: [int(file.name) for file in server.home.processes.iterdir()], "the program")

    again = TrainingWorld((yield), world.image, world.role, world.queue)
    described = again.ended("cut-off")

    assert described["TrainingJobStatus"] == "Failed"
    assert described["FailureReason"].startswith("InternalServerError: ")
    assert again.describe("done")["TrainingJobStatus"] == "Completed"
    assert not started_at(program)
    assert again.events("cut-off", "Failed")
    with pytest.raises(ClientError, match="ResourceInUse"):
        again.start("cut-off")


STORIES = (
    items_are_as_they_were_last_written,
    a_table_that_is_made_anew_does_not_get_the_items_of_the_one_before,
    messages_are_there_once_and_what_was_in_somebodys_hands_can_be_had_again,
    a_group_keeps_its_order_and_knows_what_it_has_had,
    a_queue_that_is_deleted_after_a_start_leaves_nothing_behind,
    an_object_and_the_event_that_tells_of_it_are_there,
    an_event_that_is_on_its_way_to_a_queue_arrives,
    roles_parameters_and_stacks_are_there_as_they_last_were,
    a_job_that_was_cut_off_has_failed_its_program_is_gone_and_both_are_told,
)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, BaseException | None]]:
    """What stopped each story, by its name; None where it was told to its end."""
    home = tmp_path_factory.mktemp("keeping") / "home"
    try:
        server, outcomes = start(home), dict[str, BaseException | None]()
        going = {story.__name__: story(server) for story in STORIES}
        _tell(going, outcomes, None)
        while going:
            kill(home)
            _tell(going, outcomes, start(home))
        yield outcomes
    finally:
        run_command("down", "--home", str(home))


def _tell(going: dict[str, Story], outcomes: dict[str, BaseException | None], server: LocalServer | None) -> None:
    """Tell each story up to its next `yield`; from its first on where there is no server yet."""
    for name, story in tuple(going.items()):
        try:
            next(story) if server is None else story.send(server)
        except StopIteration:
            outcomes[name] = None
        except (Exception, pytest.fail.Exception) as stopped:  # noqa: BLE001 - raised again by the story's own test
            outcomes[name] = stopped
        else:
            continue
        del going[name]


@pytest.mark.parametrize("story", [story.__name__ for story in STORIES])
def test_after_a_kill(outcomes: Mapping[str, BaseException | None], story: str) -> None:
    stopped = outcomes[story]
    if stopped is not None:
        raise stopped
