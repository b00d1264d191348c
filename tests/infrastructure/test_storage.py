from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from app import ROOT
from dropforge.adapters.table_layout import INDEXES
from tests.infrastructure.synthesis import ACCOUNT, Properties, Synthesis, synthesize

BUCKETS = (
    "foundation/Training",
    "foundation/Artifacts",
    "project-digits/Pipeline",
    "project-cancer/Pipeline",
)


def test_one_customer_managed_key_rotates_and_everything_that_stores_uses_it(local: Synthesis) -> None:
    key = local.resource("AWS::KMS::Key", path="foundation/Key")
    assert key.properties["EnableKeyRotation"] is True
    encrypted: dict[str, Callable[[Properties], str]] = {
        "AWS::DynamoDB::Table": lambda p: p["SSESpecification"]["KMSMasterKeyId"],
        "AWS::SQS::Queue": lambda p: p["KmsMasterKeyId"],
        "AWS::SNS::Topic": lambda p: p["KmsMasterKeyId"],
        "AWS::Logs::LogGroup": lambda p: p["KmsKeyId"],
        "AWS::ECR::Repository": lambda p: p["EncryptionConfiguration"]["KmsKey"],
        "AWS::CodeBuild::Project": lambda p: p["EncryptionKey"],
        "AWS::CodePipeline::Pipeline": lambda p: p["ArtifactStore"]["EncryptionKey"]["Id"],
    }
    for kind, key_of in encrypted.items():
        found = local.resources(kind)
        assert found
        for resource in found:
            assert key.logical_id in key_of(resource.properties), resource.path


def test_the_keys_policy_names_each_service_that_uses_it_and_for_whose_resources(local: Synthesis) -> None:
    statements = local.resource("AWS::KMS::Key", path="foundation/Key").properties["KeyPolicy"]["Statement"]
    by_principal = {
        str(statement["Principal"].get("Service", "account")): statement.get("Condition") for statement in statements
    }
    assert set(by_principal) == {
        "account",
        "s3.amazonaws.com",
        "events.amazonaws.com",
        "cloudwatch.amazonaws.com",
        "logs.eu-central-1.amazonaws.com",
    }
    for service, condition in by_principal.items():
        if service != "account":
            assert condition["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
            assert all("dropforge-local-" in str(source) for source in condition["ArnLike"].values())


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_bucket_is_encrypted_with_the_stages_key(local: Synthesis, bucket: str) -> None:
    properties = local.resource("AWS::S3::Bucket", path=f"{bucket}/Resource").properties
    [rule] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert "Key" in rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]


def test_signed_heads_do_not_hang_on_a_key_that_an_administrator_can_have_deleted(prod: Synthesis) -> None:
    audit = prod.resource("AWS::S3::Bucket", path="foundation/Audit/Resource")
    [rule] = audit.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert prod.resource("AWS::KMS::Key", path="foundation/Key").logical_id not in json.dumps(audit.body)


@pytest.mark.parametrize("bucket", [*BUCKETS, "foundation/Audit"])
def test_a_bucket_is_versioned_private_and_logs_its_accesses(local: Synthesis, bucket: str) -> None:
    properties = local.resource("AWS::S3::Bucket", path=f"{bucket}/Resource").properties
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert "AccessLogs" in properties["LoggingConfiguration"]["DestinationBucketName"]


def test_signatures_are_made_with_an_asymmetric_key_that_only_signs(local: Synthesis) -> None:
    key = local.resource("AWS::KMS::Key", path="foundation/SigningKey").properties
    assert (key["KeySpec"], key["KeyUsage"]) == ("ECC_NIST_P256", "SIGN_VERIFY")


def test_whoever_has_no_command_line_finds_the_signing_key_among_the_outputs(local: Synthesis) -> None:
    key = local.resource("AWS::KMS::Key", path="foundation/SigningKey")
    output = local.templates["dropforge-local-foundation"]["Outputs"]["SigningKeyArn"]
    assert output["Value"] == {"Fn::GetAtt": [key.logical_id, "Arn"]}


def test_signed_heads_are_locked_where_the_configuration_says_so_and_the_bucket_itself_does_not_depend_on_it(
    prod: Synthesis, local: Synthesis
) -> None:
    locked, free = (
        synthesis.resource("AWS::S3::Bucket", path="foundation/Audit").properties for synthesis in (prod, local)
    )
    assert locked["ObjectLockEnabled"] is free["ObjectLockEnabled"] is True
    assert locked["ObjectLockConfiguration"]["Rule"] == {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 365}}
    assert free["ObjectLockConfiguration"] == {"ObjectLockEnabled": "Enabled"}
    others = local.resources("AWS::S3::Bucket")
    assert [one.path for one in others if one.properties.get("ObjectLockEnabled")] == [
        "dropforge-local-foundation/Audit/Resource"
    ]


def test_no_bucket_queue_or_topic_answers_without_tls(local: Synthesis) -> None:
    kinds = {"AWS::S3::Bucket": "BucketPolicy", "AWS::SQS::Queue": "QueuePolicy", "AWS::SNS::Topic": "TopicPolicy"}
    for kind, policy_kind in kinds.items():
        policies = local.resources(f"{kind.rsplit('::', 1)[0]}::{policy_kind}")
        assert len(policies) == len(local.resources(kind))
        for policy in policies:
            assert any(
                statement["Effect"] == "Deny" and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
                for statement in policy.properties["PolicyDocument"]["Statement"]
            ), policy.path


def test_access_logs_are_kept_where_s3_itself_encrypts(local: Synthesis) -> None:
    properties = local.resource("AWS::S3::Bucket", path="AccessLogs").properties
    [rule] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert "LoggingConfiguration" not in properties


def test_the_training_bucket_notifies_the_ingest_queue_directly_once_the_queue_admits_it(local: Synthesis) -> None:
    bucket = local.resource("AWS::S3::Bucket", path="foundation/Training")
    notifications = bucket.properties["NotificationConfiguration"]["QueueConfigurations"]
    assert {one["Event"] for one in notifications} == {"s3:ObjectCreated:*", "s3:ObjectRemoved:*"}
    assert all("IngestQueue" in one["Queue"] for one in notifications)
    policy = local.resource("AWS::SQS::QueuePolicy", path="Ingest/Queue")
    assert policy.logical_id in bucket.body["DependsOn"]
    admitted = policy.properties["PolicyDocument"]["Statement"][-1]
    assert admitted["Principal"] == {"Service": "s3.amazonaws.com"}
    assert admitted["Condition"]["ArnLike"]["aws:SourceArn"] == f"arn:aws:s3:::{bucket.properties['BucketName']}"
    assert admitted["Condition"]["StringEquals"]["aws:SourceAccount"] == ACCOUNT


def test_failed_uploads_go_and_old_versions_stay_unless_the_configuration_says_how_long(tmp_path: Path) -> None:
    config = (ROOT / "config" / "dev.yaml").read_text("utf-8")
    assert "old_versions_days: 30" in config
    limited = synthesize(ROOT / "config" / "dev.yaml", tmp_path / "limited")
    unlimited_config = tmp_path / "dev.yaml"
    unlimited_config.write_text(config.replace("old_versions_days: 30", "old_versions_days: null"))
    unlimited = synthesize(unlimited_config, tmp_path / "unlimited")
    assert _life_cycle(limited) == {"failed-uploads", "old-versions"}
    assert _life_cycle(unlimited) == {"failed-uploads"}


def test_both_tables_are_on_demand_recoverable_and_keyed_as_the_adapter_expects(local: Synthesis) -> None:
    state, trail = (
        local.resource("AWS::DynamoDB::Table", path=f"Metadata/{name}").properties for name in ("State", "Trail")
    )
    for table in (state, trail):
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
    assert state["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
    assert "StreamSpecification" not in trail
    assert {
        (index["IndexName"], *(key["AttributeName"] for key in index["KeySchema"]))
        for index in state["GlobalSecondaryIndexes"]
    } == set(INDEXES)


def test_what_is_to_be_retained_refuses_deletion(prod: Synthesis, local: Synthesis) -> None:
    for kind in ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::ECR::Repository"):
        assert {one.body["DeletionPolicy"] for one in prod.resources(kind)} == {"RetainExceptOnCreate"}
        assert {one.body["UpdateReplacePolicy"] for one in prod.resources(kind)} == {"Retain"}
        assert {one.body["DeletionPolicy"] for one in local.resources(kind)} == {"Delete"}
    assert all(one.properties["DeletionProtectionEnabled"] for one in prod.resources("AWS::DynamoDB::Table"))


def test_a_table_that_refuses_deletion_is_made_last_so_that_no_rollback_meets_it(prod: Synthesis) -> None:
    foundation = {one.logical_id: one for one in prod.resources() if one.stack.endswith("-foundation")}
    tables = {one.logical_id for one in foundation.values() if one.type == "AWS::DynamoDB::Table"}
    assert len(tables) == 2
    for table in tables:
        key = prod.resource("AWS::KMS::Key", path="foundation/Key").logical_id
        assert key in foundation[table].properties["SSESpecification"]["KMSMasterKeyId"]
        assert set(foundation[table].body["DependsOn"]) == set(foundation) - tables - {key}


def test_what_a_pipeline_hands_on_goes_when_ops_say_with_all_its_versions_and_nothing_else_does(
    prod: Synthesis,
) -> None:
    properties = prod.resource("AWS::S3::Bucket", path="project-digits/Pipeline").properties
    rules = {rule["Id"]: rule for rule in properties["LifecycleConfiguration"]["Rules"]}
    assert rules["objects"]["ExpirationInDays"] == 30
    assert rules["old-versions"]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}
    for kept in ("foundation/Training", "foundation/Artifacts"):
        life_cycle = prod.resource("AWS::S3::Bucket", path=kept).properties["LifecycleConfiguration"]
        assert not [rule for rule in life_cycle["Rules"] if "ExpirationInDays" in rule]


def _life_cycle(synthesis: Synthesis) -> set[str]:
    bucket = synthesis.resource("AWS::S3::Bucket", path="foundation/Training")
    return {rule["Id"] for rule in bucket.properties["LifecycleConfiguration"]["Rules"]}
