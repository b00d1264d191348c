"""The customer-managed key of a deployment, and who may use it."""

from __future__ import annotations

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.names import Names, arn
from stacks.policies import allow_service

WHOLE_KEY = "*"
"""In a key policy the resource is always the key that the policy belongs to."""
USE = ["kms:Decrypt", "kms:GenerateDataKey"]


class EncryptionKey(kms.Key):
    """Rotated yearly. The account's own policies decide about its roles; services that act for nobody's role are named.

    Those are the services that put messages into encrypted queues and topics, and the one that writes logs. Whatever
    works on behalf of a role (DynamoDB, CodeBuild, CodePipeline, SageMaker) needs that role's permission and no more.
    """

    def __init__(self, scope: Construct, construct_id: str, *, names: Names, removal: RemovalPolicy) -> None:
        super().__init__(
            scope,
            construct_id,
            alias=f"alias/{names.deployment}",
            description=f"Everything that {names.deployment} stores",
            enable_key_rotation=True,
            removal_policy=removal,
            pending_window=Duration.days(7 if removal is RemovalPolicy.DESTROY else 30),
            policy=iam.PolicyDocument(statements=[_account(), *_senders(names), _logs(names)]),
        )


def _account() -> iam.PolicyStatement:
    """Without it nobody could ever change the key or its policy again.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    return iam.PolicyStatement(
        sid="AccountDecidesByIam", principals=[iam.AccountRootPrincipal()], actions=["kms:*"], resources=[WHOLE_KEY]
    )


def _senders(names: Names) -> list[iam.PolicyStatement]:
    """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html"""
    return [
        allow_service("s3.amazonaws.com", USE, [WHOLE_KEY], source_arn=names.bucket_arn("training")),
        allow_service("events.amazonaws.com", USE, [WHOLE_KEY], source_arn=arn("events", f"rule/{names.of('*')}")),
        allow_service(
            "cloudwatch.amazonaws.com", USE, [WHOLE_KEY], source_arn=arn("cloudwatch", f"alarm:{names.of('*')}")
        ),
    ]


def _logs(names: Names) -> iam.PolicyStatement:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"""
    groups = [arn("logs", f"log-group:/aws/{service}/{names.of('*')}") for service in ("lambda", "codebuild")]
    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal(f"logs.{Aws.REGION}.amazonaws.com")],
        actions=[
            "kms:Decrypt",
            "kms:DescribeKey",
            "kms:Encrypt",
            "kms:GenerateDataKey",
            "kms:ReEncryptFrom",
            "kms:ReEncryptTo",
        ],
        resources=[WHOLE_KEY],
        conditions={
            "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
            "ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups},
        },
    )
