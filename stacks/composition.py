"""A stage's configuration as stacks."""

from __future__ import annotations

from aws_cdk import App, Environment, Tags
from aws_cdk import aws_iam as iam

from dropforge.documents.stage_config import StageConfig
from stacks.bundle import ROOT, function_bundle, validator_bundle
from stacks.foundation import FoundationStack
from stacks.names import Names
from stacks.observability import ObservabilityStack
from stacks.policy_limits import check_policies
from stacks.project import ProjectStack
from stacks.training import TrainingStack

BUILDSPEC = ROOT / "buildspecs" / "image.yml"
DEPLOYMENT_TAG = "dropforge:deployment"


def compose(app: App, config: StageConfig) -> None:
    """Add the stacks of a stage to the app; everything in them carries the deployment's tag.

    Raises PolicyLimitError where there is more in it than IAM takes.
    """
    names = Names(config.stage)
    env = Environment(account=config.account, region=config.region)
    projects = config.projects()
    foundation = FoundationStack(app, names.stack("foundation"), env=env, names=names, config=config)
    training = TrainingStack(
        app,
        names.stack("training"),
        env=env,
        names=names,
        config=config,
        foundation=foundation,
        bundle=function_bundle([project.to_document() for project in projects]),
    )
    validator, buildspec = validator_bundle(), BUILDSPEC.read_text("utf-8")
    for project in projects:
        ProjectStack(
            app,
            names.stack(f"project-{project.name}"),
            env=env,
            names=names,
            config=config,
            project=project,
            foundation=foundation,
            training=training,
            validator=validator,
            buildspec=buildspec,
        )
    ObservabilityStack(
        app, names.stack("observability"), env=env, names=names, foundation=foundation, training=training
    )
    if config.permissions_boundary:
        boundary = iam.ManagedPolicy.from_managed_policy_arn(foundation, "Boundary", config.permissions_boundary)
        iam.PermissionsBoundary.of(app).apply(boundary)
    Tags.of(app).add(DEPLOYMENT_TAG, names.deployment)
    check_policies(app)
