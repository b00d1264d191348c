"""The AWS clients, each made when it is first used: a client that nobody asks for costs nothing.

Region, credentials and endpoint are the ordinary AWS settings (AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL, …):
https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_codebuild import CodeBuildClient
    from mypy_boto3_codeconnections import CodeConnectionsClient
    from mypy_boto3_codepipeline import CodePipelineClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_sts import STSClient

CONNECTIONS: Final = 16
"""At once to one service; also how many objects are copied or hashed at the same time."""

_CONFIG: Final = Config(
    retries={"mode": "standard", "max_attempts": 4},
    connect_timeout=5,
    read_timeout=60,
    max_pool_connections=CONNECTIONS,
)


class AwsClients:
    """One client a service, from one session."""

    def __init__(self, session: boto3.Session | None = None) -> None:
        self._given_session = session

    @cached_property
    def session(self) -> boto3.Session:
        return self._given_session or boto3.Session()

    @cached_property
    def codebuild(self) -> CodeBuildClient:
        return self.session.client("codebuild", config=_CONFIG)

    @cached_property
    def codeconnections(self) -> CodeConnectionsClient:
        return self.session.client("codeconnections", config=_CONFIG)

    @cached_property
    def codepipeline(self) -> CodePipelineClient:
        return self.session.client("codepipeline", config=_CONFIG)

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        return self.session.client("dynamodb", config=_CONFIG)

    @cached_property
    def ecr(self) -> ECRClient:
        return self.session.client("ecr", config=_CONFIG)

    @cached_property
    def events(self) -> EventBridgeClient:
        return self.session.client("events", config=_CONFIG)

    @cached_property
    def kms(self) -> KMSClient:
        return self.session.client("kms", config=_CONFIG)

    @cached_property
    def logs(self) -> CloudWatchLogsClient:
        return self.session.client("logs", config=_CONFIG)

    @cached_property
    def s3(self) -> S3Client:
        return self.session.client("s3", config=_CONFIG)

    @cached_property
    def sagemaker(self) -> SageMakerClient:
        return self.session.client("sagemaker", config=_CONFIG)

    @cached_property
    def secretsmanager(self) -> SecretsManagerClient:
        return self.session.client("secretsmanager", config=_CONFIG)

    @cached_property
    def sns(self) -> SNSClient:
        return self.session.client("sns", config=_CONFIG)

    @cached_property
    def sqs(self) -> SQSClient:
        return self.session.client("sqs", config=_CONFIG)

    @cached_property
    def ssm(self) -> SSMClient:
        return self.session.client("ssm", config=_CONFIG)

    @cached_property
    def sts(self) -> STSClient:
        return self.session.client("sts", config=_CONFIG)
