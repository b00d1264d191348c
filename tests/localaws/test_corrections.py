"""Each correction of the emulator, seen from outside. What is wrong without it is in the correction's docstring."""

from __future__ import annotations

import base64
import email
import email.policy
import hashlib
import http.client
import io
import json
import subprocess
import zipfile
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.command_line import interpreter
from tests.localaws.local_server import ROOT, LocalServer, eventually, run_command

pytestmark = pytest.mark.local


def _deploy(server: LocalServer, stack: str, resources: dict[str, Any]) -> None:
    cloudformation = server.client("cloudformation")
    template = json.dumps({"Resources": resources})
    exists = any(found["StackName"] == stack for found in cloudformation.describe_stacks()["Stacks"])
    change, finished = ("update_stack", "UPDATE_COMPLETE") if exists else ("create_stack", "CREATE_COMPLETE")
    getattr(cloudformation, change)(StackName=stack, TemplateBody=template)

    def state() -> bool:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        assert "ROLLBACK" not in found["StackStatus"], found
        return bool(found["StackStatus"] == finished)

    eventually(state, f"stack {stack}")


def test_a_buckets_declared_properties_are_set_and_unset(local_aws: LocalServer) -> None:
    key = local_aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"ServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}
    properties: dict[str, Any] = {
        "BucketName": "declared",
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [rule]},
        "LifecycleConfiguration": {
            "Rules": [
                {"Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3}},
                {"Status": "Enabled", "Prefix": "old/", "NoncurrentVersionExpiration": {"NoncurrentDays": 30}},
            ]
        },
    }
    _deploy(local_aws, "bucket", {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}})
    s3 = local_aws.client("s3")
    found = s3.get_bucket_encryption(Bucket="declared")["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert found["ApplyServerSideEncryptionByDefault"] == default
    rules = s3.get_bucket_lifecycle_configuration(Bucket="declared")["Rules"]
    assert rules[0]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 3}
    assert rules[1]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    s3.put_object(Bucket="declared", Key="k", Body=b"v")
    assert s3.head_object(Bucket="declared", Key="k")["SSEKMSKeyId"] == key
    del properties["LifecycleConfiguration"]
    _deploy(local_aws, "bucket", {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}})
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket="declared")


def test_a_bucket_that_is_declared_locked_keeps_each_version_against_everybody(local_aws: LocalServer) -> None:
    properties = {
        "BucketName": "locked",
        "VersioningConfiguration": {"Status": "Enabled"},
        "ObjectLockEnabled": True,
        "ObjectLockConfiguration": {
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}},
        },
    }
    _deploy(local_aws, "locked", {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}})
    s3 = local_aws.client("s3")
    kept = s3.put_object(Bucket="locked", Key="k", Body=b"v", ChecksumAlgorithm="SHA256")["VersionId"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket="locked", Key="k", VersionId=kept, BypassGovernanceRetention=True)
    s3.delete_object(Bucket="locked", Key="k")
    assert s3.get_object(Bucket="locked", Key="k", VersionId=kept)["Body"].read() == b"v"


def test_a_bucket_that_is_declared_lockable_locks_once_there_is_a_rule_and_no_longer_without_it(
    local_aws: LocalServer,
) -> None:
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
    s3 = local_aws.client("s3")

    def put_with(configuration: dict[str, Any]) -> dict[str, Any]:
        properties = {
            "BucketName": "lockable",
            "VersioningConfiguration": {"Status": "Enabled"},
            "ObjectLockEnabled": True,
            "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled", **configuration},
        }
        _deploy(local_aws, "lockable", {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}})
        stored = s3.put_object(Bucket="lockable", Key="k", Body=b"v", ChecksumAlgorithm="SHA256")
        return {"Bucket": "lockable", "Key": "k", "VersionId": stored["VersionId"]}

    s3.delete_object(**put_with({}))
    locked = put_with({"Rule": rule})
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(**locked)
    s3.delete_object(**put_with({}))
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(**locked)


def test_a_tables_declared_properties_are_set(local_aws: LocalServer) -> None:
    key = local_aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    properties = {
        "TableName": "declared",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
    }
    _deploy(local_aws, "table", {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": properties}})
    dynamodb = local_aws.client("dynamodb")
    assert dynamodb.describe_table(TableName="declared")["Table"]["SSEDescription"]["KMSMasterKeyArn"] == key
    backups = dynamodb.describe_continuous_backups(TableName="declared")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    expiry = dynamodb.describe_time_to_live(TableName="declared")["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"}


def test_a_topics_declared_key_is_set(local_aws: LocalServer) -> None:
    properties = {"TopicName": "declared", "KmsMasterKeyId": "alias/aws/sns"}
    _deploy(local_aws, "topic", {"Topic": {"Type": "AWS::SNS::Topic", "Properties": properties}})
    arn = f"arn:aws:sns:{local_aws.region}:{local_aws.account}:declared"
    attributes = local_aws.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    assert attributes["KmsMasterKeyId"] == "alias/aws/sns"


def test_encryption_by_kms_without_a_key_means_the_key_of_the_account(local_aws: LocalServer) -> None:
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket="keyless")
    s3.put_object(Bucket="keyless", Key="k", Body=b"v", ServerSideEncryption="aws:kms")
    assert s3.head_object(Bucket="keyless", Key="k")["SSEKMSKeyId"].endswith(":alias/aws/s3")


def test_versions_are_listed_whatever_their_keys_are_made_of(local_aws: LocalServer) -> None:
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket="odd-keys")
    s3.put_bucket_versioning(Bucket="odd-keys", VersioningConfiguration={"Status": "Enabled"})
    keys = ["a b+c", "bell\x01", "deep/ü&<%41"]
    for key in keys:
        s3.put_object(Bucket="odd-keys", Key=key, Body=b"v")
    s3.delete_object(Bucket="odd-keys", Key=keys[1])

    pages = [*s3.get_paginator("list_object_versions").paginate(Bucket="odd-keys", PaginationConfig={"PageSize": 1})]
    grouped = s3.list_object_versions(Bucket="odd-keys", Prefix="d", Delimiter="/")

    assert [version["Key"] for page in pages for version in page.get("Versions", ())] == keys
    assert [marker["Key"] for page in pages for marker in page.get("DeleteMarkers", ())] == [keys[1]]
    assert grouped["CommonPrefixes"] == [{"Prefix": "deep/"}]
    assert s3.list_object_versions(Bucket="odd-keys", EncodingType="url")["Versions"][1]["Key"] == "bell%01"


def test_a_copy_has_the_checksum_that_was_asked_for(local_aws: LocalServer) -> None:
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket="copies")
    s3.put_bucket_versioning(Bucket="copies", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket="copies", Key="a", Body=b"first")["VersionId"]
    s3.put_object(Bucket="copies", Key="a", Body=b"second")
    source = {"Bucket": "copies", "Key": "a", "VersionId": version}
    copied = s3.copy_object(Bucket="copies", Key="b", CopySource=source, ChecksumAlgorithm="SHA256")
    assert copied["CopyObjectResult"]["ChecksumSHA256"] == _sha256(b"first")
    head = s3.head_object(Bucket="copies", Key="b", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == _sha256(b"first")


def test_a_copied_part_has_the_checksum_of_its_upload(local_aws: LocalServer) -> None:
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket="parts")
    s3.put_object(Bucket="parts", Key="a", Body=b"first")
    upload = s3.create_multipart_upload(Bucket="parts", Key="b", ChecksumAlgorithm="SHA256")["UploadId"]
    where = {"Bucket": "parts", "Key": "b", "UploadId": upload}
    source = {"Bucket": "parts", "Key": "a"}
    copied = s3.upload_part_copy(**where, PartNumber=1, CopySource=source, CopySourceRange="bytes=0-2")
    assert copied["CopyPartResult"]["ChecksumSHA256"] == _sha256(b"fir")
    (part,) = s3.list_parts(**where)["Parts"]
    assert part["ChecksumSHA256"] == _sha256(b"fir")


def _sha256(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def _queue(server: LocalServer, name: str, service: str, **attributes: str) -> tuple[str, str]:
    """Create a queue that a service may send to; return its URL and its ARN."""
    arn = f"arn:aws:sqs:{server.region}:{server.account}:{name}"
    send = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [send]})
    created = server.client("sqs").create_queue(QueueName=name, Attributes={"Policy": policy, **attributes})
    return created["QueueUrl"], arn


def _receive(server: LocalServer, url: str) -> dict[str, Any]:
    sqs = server.client("sqs")

    def look() -> dict[str, Any] | None:
        messages = sqs.receive_message(
            QueueUrl=url, WaitTimeSeconds=1, MessageAttributeNames=["All"], AttributeNames=["All"]
        ).get("Messages")
        return messages[0] if messages else None

    message = eventually(look, "a message")
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return message


def test_events_of_objects_name_the_version_and_who_put_it(local_aws: LocalServer) -> None:
    s3, events = local_aws.client("s3"), local_aws.client("events")
    direct, direct_arn = _queue(local_aws, "object-events", "s3.amazonaws.com")
    routed, routed_arn = _queue(local_aws, "routed-object-events", "events.amazonaws.com")
    s3.create_bucket(Bucket="told")
    s3.put_bucket_versioning(Bucket="told", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket="told",
        NotificationConfiguration={
            "QueueConfigurations": [{"QueueArn": direct_arn, "Events": ["s3:ObjectCreated:*"]}],
            "EventBridgeConfiguration": {},
        },
    )
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": ["told"]}}}
    events.put_rule(Name="told", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="told", Targets=[{"Id": "queue", "Arn": routed_arn}])
    assert json.loads(_receive(local_aws, direct)["Body"])["Event"] == "s3:TestEvent"
    put = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}
    role = local_aws.role("puts", "lambda.amazonaws.com", put)
    version = local_aws.client("s3", role).put_object(Bucket="told", Key="a b", Body=b"v")["VersionId"]
    record = json.loads(_receive(local_aws, direct)["Body"])["Records"][0]
    assert record["s3"]["object"]["versionId"] == version
    role_id = local_aws.client("iam").get_role(RoleName="puts")["Role"]["RoleId"]
    assert record["userIdentity"]["principalId"] == f"AWS:{role_id}:test"
    assert json.loads(_receive(local_aws, routed)["Body"])["detail"]["object"]["version-id"] == version


def _route(server: LocalServer, name: str, target: dict[str, Any]) -> None:
    events = server.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "target", **target}])


def _tell(server: LocalServer, source: str, **detail: str) -> None:
    entry = {"Source": source, "DetailType": "told", "Detail": json.dumps(detail)}
    assert server.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def test_an_event_that_a_queue_refuses_goes_to_the_dead_letter_queue(local_aws: LocalServer) -> None:
    _, closed_arn = _queue(local_aws, "closed", "sns.amazonaws.com")
    dead, dead_arn = _queue(local_aws, "undelivered", "events.amazonaws.com")
    _route(local_aws, "refused", {"Arn": closed_arn, "DeadLetterConfig": {"Arn": dead_arn}})
    _tell(local_aws, "refused", order="7")
    letter = _receive(local_aws, dead)
    assert json.loads(letter["Body"])["detail"] == {"order": "7"}
    said = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert said["TARGET_ARN"] == closed_arn
    assert said["ERROR_CODE"] == "NO_PERMISSIONS"


def test_a_constant_event_is_a_duplicate_to_a_fifo_queue(local_aws: LocalServer) -> None:
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url, arn = _queue(local_aws, "ordered.fifo", "events.amazonaws.com", **fifo)
    _route(local_aws, "constant", {"Arn": arn, "Input": '"tick"', "SqsParameters": {"MessageGroupId": "g"}})
    _route(local_aws, "varying", {"Arn": arn, "SqsParameters": {"MessageGroupId": "g"}})
    for _ in range(2):
        _tell(local_aws, "constant")
    assert _receive(local_aws, url)["Attributes"]["MessageGroupId"] == "g"
    _tell(local_aws, "varying")
    assert json.loads(_receive(local_aws, url)["Body"])["source"] == "varying"


def _mails(server: LocalServer, address: str) -> list[EmailMessage]:
    files = sorted(server.home.mail.glob("*.eml"))
    read = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]
    return [message for message in read if message["To"] == address]


def test_mail_is_written_for_those_who_confirmed_and_whose_filter_matches(local_aws: LocalServer) -> None:
    sns = local_aws.client("sns")
    topic = sns.create_topic(Name="news")["TopicArn"]
    for address, outcome in (("ann@example.com", "good"), ("bob@example.com", "bad"), ("eve@example.com", "good")):
        policy = json.dumps({"outcome": [outcome]})
        sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=address, Attributes={"FilterPolicy": policy})
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsPending"] == "3"
    for address in ("ann@example.com", "bob@example.com"):
        run_command("subscription", "confirm", address, "--home", str(local_aws.home.root))
    sns.publish(
        TopicArn=topic, Subject="Trained", Message="It went well.\nGrüße",
        MessageAttributes={"outcome": {"DataType": "String", "StringValue": "good"}},
    )  # fmt: skip
    ann = _mails(local_aws, "ann@example.com")
    assert [message["Subject"] for message in ann][1:] == ["Trained"]
    assert ann[1].get_content().strip() == "It went well.\nGrüße"
    assert len(_mails(local_aws, "bob@example.com")) == 1
    assert len(_mails(local_aws, "eve@example.com")) == 1


def _function(server: LocalServer, name: str, source: str, *statements: dict[str, Any]) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as bundle:
        bundle.writestr("index.py", source)
        bundle.writestr("mine.py", "")
    server.client("lambda").create_function(
        FunctionName=name, Role=server.role(name, "lambda.amazonaws.com", *statements), Runtime="python3.13",
        Handler="index.handler", Code={"ZipFile": archive.getvalue()},
    )  # fmt: skip


_LOOK_AROUND = """
import sys, os, json
def handler(event, context):
    found = []
    for name in ("ministack", "botocore", "yaml", "mine"):
        try:
            __import__(name)
            found.append(name)
        except ImportError:
            pass
    return {"found": found, "key": os.environ["AWS_ACCESS_KEY_ID"], "endpoint": os.environ["AWS_ENDPOINT_URL"],
            "environment": dict(os.environ)}
"""


def test_a_function_sees_its_own_bundle_and_nothing_of_the_emulator(local_aws: LocalServer) -> None:
    _function(local_aws, "looks-around", _LOOK_AROUND)
    answer = json.load(local_aws.client("lambda").invoke(FunctionName="looks-around")["Payload"])
    assert answer["found"] == ["mine"]
    assert answer["endpoint"] == local_aws.endpoint
    assert answer["key"].startswith("ASIA")
    assert local_aws.environment["AWS_SECRET_ACCESS_KEY"] not in answer["environment"].values()
    assert not {"AUTH", "STATE_DIR", "GATEWAY_PORT", "PYTHONPATH"} & set(answer["environment"])


_FAIL_THE_BAD = """
def handler(event, context):
    for record in event["Records"]:
        key = record["dynamodb"]["Keys"]["pk"]["S"]
        if key == "bad":
            return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
        print("seen", key)
    return {"batchItemFailures": []}
"""


def test_a_record_that_a_streams_function_fails_holds_up_the_others_for_a_while_and_not_for_ever(
    local_aws: LocalServer,
) -> None:
    dynamodb = local_aws.client("dynamodb")
    table = dynamodb.create_table(
        TableName="streamed", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]  # fmt: skip
    _function(local_aws, "fails-the-bad", _FAIL_THE_BAD, {"Effect": "Allow", "Action": "*", "Resource": "*"})
    dead, dead_arn = _queue(local_aws, "failed-records", "lambda.amazonaws.com")
    for key in ("first", "bad", "last"):
        dynamodb.put_item(TableName="streamed", Item={"pk": {"S": key}})
    local_aws.client("lambda").create_event_source_mapping(
        FunctionName="fails-the-bad", EventSourceArn=table["LatestStreamArn"], StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=1, BisectBatchOnFunctionError=True, FunctionResponseTypes=["ReportBatchItemFailures"],
        DestinationConfig={"OnFailure": {"Destination": dead_arn}},
    )  # fmt: skip
    letter = json.loads(_receive(local_aws, dead)["Body"])
    assert letter["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert letter["DDBStreamBatchInfo"]["batchSize"] == 1

    def seen() -> list[str]:
        events = local_aws.client("logs").filter_log_events(logGroupName="/aws/lambda/fails-the-bad")["events"]
        return [event["message"].strip() for event in events if event["message"].startswith("seen")]

    eventually(lambda: "seen last" in seen(), "the record behind the bad one")
    assert seen() == ["seen first", "seen last"]


def _registry_status(server: LocalServer, token: str | None, repository: str) -> int:
    connection = http.client.HTTPConnection(server.endpoint.removeprefix("http://"), timeout=5)
    headers = {"Authorization": f"Basic {token}"} if token else {}
    connection.request("GET", f"/v2/{repository}/manifests/latest", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_the_registry_knows_who_pulls(local_aws: LocalServer) -> None:
    for name in ("mine", "theirs"):
        local_aws.client("ecr").create_repository(repositoryName=name)
    token = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
    pull = {"Effect": "Allow", "Action": "ecr:BatchGetImage", "Resource": "arn:aws:ecr:*:*:repository/mine"}
    role = local_aws.role("pulls-mine", "lambda.amazonaws.com", token, pull)
    data = local_aws.client("ecr", role).get_authorization_token()["authorizationData"][0]
    assert _registry_status(local_aws, None, "mine") == 401
    assert _registry_status(local_aws, base64.b64encode(b"AWS:guessed").decode(), "mine") == 401
    assert _registry_status(local_aws, data["authorizationToken"], "theirs") == 403
    assert _registry_status(local_aws, data["authorizationToken"], "mine") == 404  # allowed, and empty


def test_a_changed_emulator_is_named_and_not_run(tmp_path: Path) -> None:
    """The corrections refuse to go without a hold, in words."""
    program = (
        "from ministack.services import sns\nfrom localaws.corrections.wrapping import wrap\n"
        "wrap(sns, '_gone', print)\n"
    )
    done = _beside_the_emulator(program, tmp_path)
    assert "This ministack has no ministack.services.sns._gone" in done.stderr


def test_that_aws_has_a_service_is_known_without_the_models_of_all_others(tmp_path: Path) -> None:
    program = (
        "from ministack.core import router\nfrom localaws.corrections import unknown_services\n"
        "unknown_services.install(None)\n"
        "print([router._is_aws_service_name(name) for name in ('servicequotas', 'codebuild', 'xray')],"
        " router._KNOWN_AWS_SERVICE_NAMES)\n"
    )
    done = _beside_the_emulator(program, tmp_path)
    assert done.stdout == "[True, True, True] None\n", done.stderr


def _beside_the_emulator(program: str, state: Path) -> subprocess.CompletedProcess[str]:
    """Run a program in the interpreter that has the emulator."""
    return subprocess.run(
        [interpreter(), "-c", program], cwd=ROOT, capture_output=True, text=True, check=False,
        env={"STATE_DIR": str(state), "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
