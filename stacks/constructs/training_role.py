"""The role as which every training job of the deployment runs."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_kms as kms
from constructs import Construct

from dropforge.adapters.logs import TRAINING_JOBS_LOG_GROUP
from stacks.constructs.image_build import ECR_LOGIN_BECAUSE, PULL
from stacks.constructs.service_role import ServiceRole
from stacks.functions import GROUP_BECAUSE, JOBS_BECAUSE, OBJECTS_BECAUSE, PROJECTS_BECAUSE
from stacks.names import Names, arn
from stacks.policies import Permission, allow, use_key

METRICS_NAMESPACE = "/aws/sagemaker/TrainingJobs"
READ = ("datasets", "manifests", "runs")
"""Folders of the artifact bucket: copies, lists of what a job is given, and checkpoints."""
PREFIXES_A_POLICY = 12
"""So many fit, however long they are; a role takes ten policies (`stacks.policy_limits`)."""


class TrainingRole(ServiceRole):
    """Reads pinned data, writes below `runs/`, pulls the projects' images, and nothing more.

    `read_in_place` are the prefixes of the training bucket whose data is not copied (`pin: verify`): it reads them too.

    https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html (CreateTrainingJob)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: Names,
        key: kms.IKey,
        read_in_place: Sequence[str] = (),
    ) -> None:
        artifacts = names.bucket_arn("artifacts")
        group = arn("logs", f"log-group:{TRAINING_JOBS_LOG_GROUP}")
        super().__init__(
            scope,
            construct_id,
            service="sagemaker.amazonaws.com",
            source_arn=names.training_job_arns,
            description=f"{names.deployment}: what a training job may do",
            permissions=[
                allow(
                    ["s3:GetObject"],
                    [f"{artifacts}/{folder}/*" for folder in READ],
                    because=OBJECTS_BECAUSE,
                ),
                allow(["s3:AbortMultipartUpload", "s3:PutObject"], [f"{artifacts}/runs/*"], because=OBJECTS_BECAUSE),
                allow(
                    ["s3:ListBucket"], [artifacts], {"StringLike": {"s3:prefix": [f"{folder}/*" for folder in READ]}}
                ),
                use_key(key),
                allow(["kms:CreateGrant"], [key.key_arn], {"Bool": {"kms:GrantIsForAWSResource": "true"}}),
                allow(PULL, [names.repository_arn("*")], because=PROJECTS_BECAUSE),
                allow(["ecr:GetAuthorizationToken"], ["*"], because=ECR_LOGIN_BECAUSE),
                allow(["logs:CreateLogGroup", "logs:DescribeLogStreams"], [f"{group}:*"], because=GROUP_BECAUSE),
                allow(
                    ["logs:CreateLogStream", "logs:PutLogEvents"],
                    [f"{group}:log-stream:{names.deployment}-*"],
                    because=JOBS_BECAUSE,
                ),
                allow(
                    ["cloudwatch:PutMetricData"],
                    ["*"],
                    {"StringEquals": {"cloudwatch:namespace": METRICS_NAMESPACE}},
                    because="Metrics are no resources: the condition limits them to SageMaker's own namespace.",
                ),
            ],
        )
        bucket = names.bucket_arn("training")
        for first in range(0, len(read_in_place), PREFIXES_A_POLICY):
            self.add_policy(
                f"ReadInPlace{first}", _read_in_place(bucket, read_in_place[first : first + PREFIXES_A_POLICY])
            )


def _read_in_place(bucket: str, prefixes: Sequence[str]) -> list[Permission]:
    return [
        allow(["s3:GetObject"], [f"{bucket}/{prefix}*" for prefix in prefixes], because=OBJECTS_BECAUSE),
        allow(["s3:ListBucket"], [bucket], {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}}),
    ]
