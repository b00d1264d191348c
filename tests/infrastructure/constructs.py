"""What is looked at of a stage before it is synthesized, as plain data. Only where it is imported is the CDK there."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack, Validations
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from cdk_nag import AwsSolutionsChecks

from dropforge.documents.stage_config import read_stage_config
from stacks.composition import compose
from stacks.policy_limits import PolicyLimitError, check_policies, policy_text
from tests.infrastructure.synthesis import context


def composed(config: Path, folder: Path) -> App:
    """The stage of a configuration file, to be synthesized into a folder."""
    app = App(context=context(), outdir=str(folder))
    compose(app, read_stage_config(config))
    return app


def policies(app: App) -> Mapping[str, str]:
    """Each managed policy as IAM counts it, by its path."""
    found = [one for one in app.node.find_all() if isinstance(one, iam.CfnManagedPolicy)]
    return {policy.node.path: policy_text(policy) for policy in found}


def event_patterns(app: App) -> Mapping[str, str]:
    """The pattern of each rule that has one, by its path."""
    rules = [one for one in app.node.find_all() if isinstance(one, events.CfnRule) and one.event_pattern]
    return {rule.node.path: json.dumps(Stack.of(rule).resolve(rule.event_pattern)) for rule in rules}


def refusal_of_policy(document: Mapping[str, Any]) -> str:
    """What is said of a managed policy `big/Policy` that says so much."""
    stack = Stack(App(), "big")
    iam.CfnManagedPolicy(stack, "Policy", policy_document=document)
    return _refusal(stack)


def refusal_of_role(policies: Sequence[str]) -> str:
    """What is said of a role `big/Role` with managed policies of these ARNs."""
    stack = Stack(App(), "big")
    iam.CfnRole(stack, "Role", assume_role_policy_document={}, managed_policy_arns=policies)
    return _refusal(stack)


def _refusal(stack: Stack) -> str:
    with pytest.raises(PolicyLimitError) as refused:
        check_policies(stack)
    return str(refused.value)


def nag(config: Path, folder: Path) -> Mapping[str, Any]:
    """What cdk-nag reports of a stage by its pack AwsSolutions."""
    app = composed(config, folder)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()
    [report] = json.loads((folder / "validation-report.json").read_text("utf-8"))["pluginReports"]
    return dict(report)
