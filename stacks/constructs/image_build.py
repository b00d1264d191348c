"""The CodeBuild project that turns a data scientist's commit into one image in one repository."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from stacks.acknowledgements import acknowledge
from stacks.constructs.private_log_group import PrivateLogGroup
from stacks.constructs.service_role import ServiceRole
from stacks.functions import BUILD_LOGS_BECAUSE
from stacks.names import Names, arn
from stacks.policies import Permission, allow, use_key

BUILD_IMAGE = "aws/codebuild/standard:7.0"
PUSH = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
]
PULL = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
CONNECTION_SERVICES = ("codeconnections", "codestar-connections")
"""Both names that the service has had: a connection's ARN may say either."""
ECR_LOGIN_BECAUSE = "A login is to the whole registry; what may be pulled or pushed is limited by repository."
_PRIVATE_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(?P<repository>.+)"
)


@dataclass(frozen=True, kw_only=True)
class BuildPlan:
    """What is built: the project's name and GitHub repository, through which connection, on which base images."""

    project: str
    repository: str
    connection_arn: str
    base_images: Sequence[str]
    buildspec: str


class ImageBuild(Construct):
    """Runs code that others wrote: its role pushes to one repository and reads its source, artifacts and bases."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: Names,
        plan: BuildPlan,
        key: kms.IKey,
        artifacts: s3.IBucket,
        validator: assets.Asset,
        log_days: int,
        removal: RemovalPolicy,
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = names.of(plan.project)
        logs = PrivateLogGroup(
            self, "Logs", name=names.build_log_group(plan.project), key=key, days=log_days, removal=removal
        )
        validator_arn = f"{validator.bucket.bucket_arn}/{validator.s3_object_key}"
        role = ServiceRole(
            self,
            "Role",
            service="codebuild.amazonaws.com",
            source_arn=names.build_arn(plan.project),
            description=f"{self.name}: build the image of a commit and push it to its one repository",
            permissions=[
                allow(PUSH, [names.repository_arn(plan.project)]),
                allow(["ecr:GetAuthorizationToken"], ["*"], because=ECR_LOGIN_BECAUSE),
                *pull_private(plan.base_images),
                *pull_source(plan.connection_arn, plan.repository),
                allow(
                    ["logs:CreateLogStream", "logs:PutLogEvents"],
                    [arn("logs", f"log-group:{logs.name}:*")],
                    because=BUILD_LOGS_BECAUSE,
                ),
                hand_over(artifacts),
                allow(["s3:GetObject"], [validator_arn]),
                use_key(key),
            ],
        )
        resource = codebuild.CfnProject(
            self,
            "Project",
            name=self.name,
            description=f"The image of each commit to {plan.repository}",
            service_role=role.role_arn,
            source=codebuild.CfnProject.SourceProperty(type="CODEPIPELINE", build_spec=plan.buildspec),
            artifacts=codebuild.CfnProject.ArtifactsProperty(type="CODEPIPELINE"),
            environment=codebuild.CfnProject.EnvironmentProperty(
                type="LINUX_CONTAINER",
                image=BUILD_IMAGE,
                compute_type="BUILD_GENERAL1_SMALL",
                privileged_mode=True,
                environment_variables=[
                    _variable("REPOSITORY_URI", names.repository_uri(plan.project)),
                    _variable("PROJECT", plan.project),
                    _variable("VALIDATOR", validator.s3_object_url),
                ],
            ),
            encryption_key=key.key_arn,
            logs_config=codebuild.CfnProject.LogsConfigProperty(
                cloud_watch_logs=codebuild.CfnProject.CloudWatchLogsConfigProperty(
                    status="ENABLED", group_name=logs.name
                )
            ),
            cache=codebuild.CfnProject.ProjectCacheProperty(
                type="LOCAL", modes=["LOCAL_CUSTOM_CACHE", "LOCAL_DOCKER_LAYER_CACHE"]
            ),
            timeout_in_minutes=60,
            queued_timeout_in_minutes=480,
        )
        resource.add_resource_dependency(logs)
        acknowledge(
            resource, "CB3", "`docker build` needs a Docker daemon, and CodeBuild starts one in privileged mode only."
        )


def hand_over(artifacts: s3.IBucket) -> Permission:
    """Read and write what the pipeline's actions pass on."""
    return allow(
        ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
        [artifacts.arn_for_objects("*")],
        because="The bucket is this one pipeline's; CodePipeline chooses the keys.",
    )


def pull_source(connection_arn: str, repository: str) -> list[Permission]:
    """Pull one repository with git, and never push.

    Each key that a request carries must say so. AWS does not document which keys CodeBuild's clone carries: one that
    is not there forbids nothing, lest no build ever gets its source.

    https://docs.aws.amazon.com/dtconsole/latest/userguide/security-iam.html (Using a connection)
    """
    return [
        allow(
            [f"{service}:UseConnection"],
            [connection_arn],
            {
                "StringEqualsIfExists": {
                    f"{service}:FullRepositoryId": repository,
                    f"{service}:ProviderAction": "GitPull",
                    f"{service}:ProviderPermissionsRequired": "read_only",
                }
            },
        )
        for service in CONNECTION_SERVICES
    ]


def pull_private(images: Sequence[str]) -> list[Permission]:
    """Pull those base images that lie in a private ECR repository; a public registry asks nobody's permission."""
    found = [match for image in images if (match := _PRIVATE_IMAGE.fullmatch(image))]
    arns = [f"arn:{Aws.PARTITION}:ecr:{one['region']}:{one['account']}:repository/{one['repository']}" for one in found]
    return [allow(PULL, arns)] if arns else []


def _variable(name: str, value: str) -> codebuild.CfnProject.EnvironmentVariableProperty:
    return codebuild.CfnProject.EnvironmentVariableProperty(name=name, value=value, type="PLAINTEXT")
