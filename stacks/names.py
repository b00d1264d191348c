"""The physical names of a deployment's resources, and the ARNs that follow from them.

A bucket that notifies a queue, a pipeline that calls a function and a rule that watches pipelines each need the other
side's ARN before it exists. Derived from names, such references form no cycle between resources or stacks.
"""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Aws

from dropforge.settings import deployment_name


def arn(service: str, resource: str) -> str:
    """The ARN of a resource in the stack's own partition, region and account."""
    return f"arn:{Aws.PARTITION}:{service}:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"


@dataclass(frozen=True)
class Names:
    """What everything of one stage is called."""

    stage: str

    @property
    def deployment(self) -> str:
        return deployment_name(self.stage)

    def of(self, thing: str) -> str:
        """The name of a queue, table, topic, function, rule, alarm, pipeline or build project."""
        return f"{self.deployment}-{thing}"

    def stack(self, part: str) -> str:
        return self.of(part)

    def function(self, module: str) -> str:
        """The name of the function whose handler is in `lambdas/<module>.py`."""
        return self.of(module.replace("_", "-"))

    def bucket(self, purpose: str) -> str:
        """Bucket names are unique in the whole world, so account and region take part."""
        return f"{self.of(purpose)}-{Aws.ACCOUNT_ID}-{Aws.REGION}"

    def bucket_arn(self, purpose: str) -> str:
        return f"arn:{Aws.PARTITION}:s3:::{self.bucket(purpose)}"

    @property
    def connection_parameter(self) -> str:
        """The SSM parameter with the ARN of the connection to GitHub that the stage made, if it made one."""
        return f"/dropforge/{self.stage}/connection"

    def repository(self, project: str) -> str:
        return f"{self.deployment}/{project}"

    def repository_arn(self, project: str) -> str:
        return arn("ecr", f"repository/{self.repository(project)}")

    def repository_uri(self, project: str) -> str:
        return f"{Aws.ACCOUNT_ID}.dkr.ecr.{Aws.REGION}.{Aws.URL_SUFFIX}/{self.repository(project)}"

    def pipeline_arn(self, project: str) -> str:
        return arn("codepipeline", self.of(project))

    def build_arn(self, project: str) -> str:
        return arn("codebuild", f"project/{self.of(project)}")

    def build_log_group(self, project: str) -> str:
        return f"/aws/codebuild/{self.of(project)}"

    def function_arn(self, module: str) -> str:
        return arn("lambda", f"function:{self.function(module)}")

    @property
    def training_job_arns(self) -> str:
        """Each job's name begins with the deployment's (`dropforge.domain.run`)."""
        return arn("sagemaker", f"training-job/{self.deployment}-*")
