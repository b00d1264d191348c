from __future__ import annotations

import json

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam

from dropforge.documents.stage_config import read_stage_config
from stacks.composition import compose
from stacks.policy_limits import LONGEST_POLICY, MOST_POLICIES, PolicyLimitError, check_policies, policy_text
from tests.infrastructure.synthesis import context

LONGEST_EVENT_PATTERN = 2048
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> App:
    """Forty projects whose names are as long as they may be, whose data is read where it lies."""
    folder = tmp_path_factory.mktemp("crowded")
    projects = {
        f"a-project-of-length24-{number:02d}": {"repository": f"example/p{number}", "pin": {"mode": "verify"}}
        for number in range(40)
    }
    config = folder / "crowded.yaml"
    config.write_text(json.dumps({"stage": "crowded", "region": "ap-northeast-1", "projects": projects}), "utf-8")
    app = App(context=context(), outdir=str(folder / "out"))
    compose(app, read_stage_config(config))
    return app


def test_forty_projects_fit_into_every_policy_and_role(crowded: App) -> None:
    policies = [one for one in crowded.node.find_all() if isinstance(one, iam.CfnManagedPolicy)]
    assert len(policies) > 80
    largest = max(policies, key=lambda policy: len(policy_text(policy)))
    assert len(policy_text(largest)) <= LONGEST_POLICY, largest.node.path


def test_no_policy_of_a_function_grows_with_the_projects(crowded: App) -> None:
    for policy in crowded.node.find_all():
        if isinstance(policy, iam.CfnManagedPolicy) and "/Function-" in policy.node.path:
            assert "a-project-of" not in policy_text(policy), policy.node.path


def test_forty_projects_fit_into_every_event_pattern(crowded: App) -> None:
    rules = [one for one in crowded.node.find_all() if isinstance(one, events.CfnRule) and one.event_pattern]
    assert rules
    for rule in rules:
        pattern = json.dumps(Stack.of(rule).resolve(rule.event_pattern))
        assert 2 < len(pattern) <= LONGEST_EVENT_PATTERN, rule.node.path


def test_a_policy_that_iam_would_refuse_is_refused_in_a_sentence() -> None:
    stack = Stack(App(), "big")
    iam.CfnManagedPolicy(
        stack, "Policy", policy_document={"Statement": [{"Resource": [f"arn:aws:s3:::bucket-{n}" for n in range(300)]}]}
    )
    with pytest.raises(
        PolicyLimitError, match=f"big/Policy has .* and IAM takes {LONGEST_POLICY}. Spread the projects"
    ):
        check_policies(stack)


def test_a_role_with_more_policies_than_iam_takes_is_refused_in_a_sentence() -> None:
    stack = Stack(App(), "big")
    many = [f"arn:aws:iam::aws:policy/{number}" for number in range(MOST_POLICIES + 1)]
    iam.CfnRole(stack, "Role", assume_role_policy_document={}, managed_policy_arns=many)
    with pytest.raises(PolicyLimitError, match="big/Role has 11 policies and IAM takes 10"):
        check_policies(stack)
