"""The pipeline of a project: a push, or the drop of data, becomes an image, and the image is registered."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from dropforge.adapters.codepipeline import DATASET_VARIABLE, REGISTER_STAGE
from dropforge.adapters.events.codepipeline import NO_DATASET
from stacks.constructs.image_build import CONNECTION_SERVICES, hand_over
from stacks.constructs.service_role import ServiceRole
from stacks.names import Names
from stacks.policies import Permission, allow, use_key

SOURCE, BUILD = "Source", "Build"
COMMIT, BRANCH = f"#{{{SOURCE}.CommitId}}", f"#{{{SOURCE}.BranchName}}"
EXECUTION = "#{codepipeline.PipelineExecutionId}"
Action = codepipeline.CfnPipeline.ActionDeclarationProperty


@dataclass(frozen=True, kw_only=True)
class PipelinePlan:
    """Which pushes start the pipeline: GitHub repository, branch, and patterns of paths (none: all)."""

    project: str
    repository: str
    branch: str
    include: Sequence[str]
    exclude: Sequence[str]
    connection_arn: str


class ImagePipeline(Construct):
    """Source, build, register. QUEUED, because the default lets a newer execution drop one that waits.

    https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html#concepts-how-it-works-executions
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        names: Names,
        plan: PipelinePlan,
        key: kms.IKey,
        artifacts: s3.IBucket,
        build: str,
    ) -> None:
        super().__init__(scope, construct_id)
        register = names.function("register_image")
        role = ServiceRole(
            self,
            "Role",
            service="codepipeline.amazonaws.com",
            source_arn=names.pipeline_arn(plan.project),
            description=f"{names.of(plan.project)}: bring a commit through its build to its registration",
            permissions=[
                *_read_source(plan),
                allow(["codebuild:BatchGetBuilds", "codebuild:StartBuild"], [names.build_arn(plan.project)]),
                allow(["lambda:InvokeFunction"], [names.function_arn("register_image")]),
                allow(["s3:GetBucketVersioning"], [artifacts.bucket_arn]),
                hand_over(artifacts),
                use_key(key),
            ],
        )
        self.role = role
        codepipeline.CfnPipeline(
            self,
            "Pipeline",
            name=names.of(plan.project),
            role_arn=role.role_arn,
            pipeline_type="V2",
            execution_mode="QUEUED",
            restart_execution_on_update=False,
            artifact_store=codepipeline.CfnPipeline.ArtifactStoreProperty(
                type="S3",
                location=artifacts.bucket_name,
                encryption_key=codepipeline.CfnPipeline.EncryptionKeyProperty(id=key.key_arn, type="KMS"),
            ),
            variables=[
                codepipeline.CfnPipeline.VariableDeclarationProperty(
                    name=DATASET_VARIABLE,
                    default_value=NO_DATASET,
                    description="The dataset version that asked for this build",
                )
            ],
            triggers=[_trigger(plan)],
            stages=[
                _stage(SOURCE, _source(plan)),
                _stage(BUILD, _build(build)),
                _stage(REGISTER_STAGE, _register(plan.project, register)),
            ],
        )


def _read_source(plan: PipelinePlan) -> list[Permission]:
    """Find the pushed commit through the connection. AWS does not say which keys the source action's requests carry.

    So a key that a request lacks forbids nothing here, unlike in a build: CodePipeline alone can assume the role, and
    runs nobody's code as it. https://docs.aws.amazon.com/dtconsole/latest/userguide/security-iam.html
    """
    return [
        allow(
            [f"{service}:UseConnection"],
            [plan.connection_arn],
            {
                "ForAllValues:StringEquals": {
                    f"{service}:FullRepositoryId": plan.repository,
                    f"{service}:ProviderPermissionsRequired": "read_only",
                }
            },
        )
        for service in CONNECTION_SERVICES
    ]


def _trigger(plan: PipelinePlan) -> codepipeline.CfnPipeline.PipelineTriggerDeclarationProperty:
    """https://docs.aws.amazon.com/codepipeline/latest/userguide/pipelines-filter.html"""
    cfn = codepipeline.CfnPipeline
    paths = None
    if plan.include or plan.exclude:
        paths = cfn.GitFilePathFilterCriteriaProperty(
            includes=list(plan.include) or None, excludes=list(plan.exclude) or None
        )
    push = cfn.GitPushFilterProperty(
        branches=cfn.GitBranchFilterCriteriaProperty(includes=[plan.branch]), file_paths=paths
    )
    git = cfn.GitConfigurationProperty(source_action_name=SOURCE, push=[push])
    return cfn.PipelineTriggerDeclarationProperty(provider_type="CodeStarSourceConnection", git_configuration=git)


def _source(plan: PipelinePlan) -> Action:
    """A full clone, because the author of a commit is known to git alone; the trigger decides what starts it."""
    return Action(
        name=SOURCE,
        namespace=SOURCE,
        action_type_id=_type("Source", "AWS", "CodeStarSourceConnection"),
        configuration={
            "ConnectionArn": plan.connection_arn,
            "FullRepositoryId": plan.repository,
            "BranchName": plan.branch,
            "OutputArtifactFormat": "CODEBUILD_CLONE_REF",
            "DetectChanges": "false",
        },
        output_artifacts=[codepipeline.CfnPipeline.OutputArtifactProperty(name=SOURCE)],
        run_order=1,
    )


def _build(build: str) -> Action:
    variables = {"COMMIT_ID": COMMIT, "EXECUTION_ID": EXECUTION, "BRANCH_NAME": BRANCH}
    return Action(
        name=BUILD,
        namespace=BUILD,
        action_type_id=_type("Build", "AWS", "CodeBuild"),
        configuration={
            "ProjectName": build,
            "EnvironmentVariables": json.dumps(
                [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()]
            ),
        },
        input_artifacts=[codepipeline.CfnPipeline.InputArtifactProperty(name=SOURCE)],
        output_artifacts=[codepipeline.CfnPipeline.OutputArtifactProperty(name=BUILD)],
        run_order=1,
    )


def _register(project: str, function: str) -> Action:
    """Commit, branch and execution are CodePipeline's own word, not the build's."""
    parameters = {
        "project": project,
        "commit": COMMIT,
        "branch": BRANCH,
        "execution": EXECUTION,
        "dataset": f"#{{variables.{DATASET_VARIABLE}}}",
    }
    return Action(
        name="Register",
        action_type_id=_type("Invoke", "AWS", "Lambda"),
        configuration={"FunctionName": function, "UserParameters": json.dumps(parameters)},
        input_artifacts=[codepipeline.CfnPipeline.InputArtifactProperty(name=BUILD)],
        run_order=1,
    )


def _type(category: str, owner: str, provider: str) -> codepipeline.CfnPipeline.ActionTypeIdProperty:
    return codepipeline.CfnPipeline.ActionTypeIdProperty(category=category, owner=owner, provider=provider, version="1")


def _stage(name: str, action: Action) -> codepipeline.CfnPipeline.StageDeclarationProperty:
    return codepipeline.CfnPipeline.StageDeclarationProperty(name=name, actions=[action])
