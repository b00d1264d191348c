"""One project: the repository of its images, the build that fills it, and the pipeline that starts the build."""

from __future__ import annotations

import json
from pathlib import Path

from aws_cdk import Environment, Stack
from aws_cdk import aws_s3_assets as assets
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from dropforge.documents.stage_config import StageConfig
from dropforge.domain.project import Project
from dropforge.settings import project_parameter
from stacks.constructs.image_build import BuildPlan, ImageBuild
from stacks.constructs.image_pipeline import ImagePipeline, PipelinePlan
from stacks.constructs.image_repository import ImageRepository
from stacks.constructs.people_policies import drop_policy
from stacks.constructs.private_bucket import PrivateBucket
from stacks.foundation import FoundationStack
from stacks.names import Names
from stacks.policies import allow_role
from stacks.training import TrainingStack

LARGEST_STANDARD_PARAMETER = 4096
"""Bytes; a larger one is advanced, which costs 0.05 USD a month and holds what a project's declaration may have:
https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
"""


class ProjectStack(Stack):
    """Its pipeline's artifacts lie in a bucket of their own.

    CodePipeline keys them by the first 20 characters of the pipeline's name, of which the deployment's name takes most:
    in a bucket that projects share, the build of one could write what another's pipeline reads.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        env: Environment,
        names: Names,
        config: StageConfig,
        project: Project,
        foundation: FoundationStack,
        training: TrainingStack,
        validator: Path,
        buildspec: str,
    ) -> None:
        super().__init__(scope, construct_id, env=env, description=f"{names.deployment}: images of {project.name}")
        ImageRepository(
            self, "Repository", name=names.repository(project.name), key=foundation.key, removal=foundation.removal
        )
        artifacts = PrivateBucket(
            self,
            "Pipeline",
            name=None,
            key=foundation.key,
            log_bucket=foundation.access_logs,
            removal=foundation.removal,
            failed_upload_days=config.retention.failed_upload_days,
            old_versions_days=1,
            objects_days=config.retention.pipeline_days,
        )
        artifacts.add_to_resource_policy(
            allow_role(training.functions["register_image"].role, ["s3:GetObject"], [artifacts.arn_for_objects("*")])
        )
        build = ImageBuild(
            self,
            "Build",
            names=names,
            plan=BuildPlan(
                project=project.name,
                repository=project.repository,
                connection_arn=foundation.connection_arn(self),
                base_images=project.base_images,
                buildspec=buildspec,
            ),
            key=foundation.key,
            artifacts=artifacts,
            validator=assets.Asset(self, "Validator", path=str(validator), asset_hash=validator.name),
            log_days=config.retention.log_days,
            removal=foundation.removal,
        )
        ImagePipeline(
            self,
            "Images",
            names=names,
            plan=PipelinePlan(
                project=project.name,
                repository=project.repository,
                branch=project.branch,
                include=project.paths.include,
                exclude=project.paths.exclude,
                connection_arn=foundation.connection_arn(self),
            ),
            key=foundation.key,
            artifacts=artifacts,
            build=build.name,
        )
        drop_policy(self, names=names, key=foundation.key, project=project.name, prefix=project.data_prefix)
        document = json.dumps(project.to_document())
        ssm.StringParameter(
            self,
            "Document",
            parameter_name=project_parameter(names.stage, project.name),
            description=f"What ops declared of {project.name}, for the command line",
            string_value=document,
            tier=ssm.ParameterTier.ADVANCED if len(document) > LARGEST_STANDARD_PARAMETER else None,
        )
