from __future__ import annotations

import json
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from aws_cdk import App

LONGEST_POLICY, MOST_POLICIES = 6144, 10
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""
LONGEST_EVENT_PATTERN = 2048
"""https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"""


@pytest.fixture(scope="module")
def constructs() -> ModuleType:
    """The module of that name here, which brings the CDK."""
    from tests.infrastructure import constructs  # noqa: PLC0415

    return constructs


@pytest.fixture(scope="module")
def crowded(constructs: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> App:
    """Forty projects whose names are as long as they may be, whose data is read where it lies."""
    folder = tmp_path_factory.mktemp("crowded")
    projects = {
        f"a-project-of-length24-{number:02d}": {"repository": f"example/p{number}", "pin": {"mode": "verify"}}
        for number in range(40)
    }
    config = folder / "crowded.yaml"
    config.write_text(json.dumps({"stage": "crowded", "region": "ap-northeast-1", "projects": projects}), "utf-8")
    app: App = constructs.composed(config, folder / "out")
    return app


def test_forty_projects_fit_into_every_policy_and_role(constructs: ModuleType, crowded: App) -> None:
    policies = constructs.policies(crowded)
    assert len(policies) > 80
    for path, text in policies.items():
        assert len(text) <= LONGEST_POLICY, path


def test_no_policy_of_a_function_grows_with_the_projects(constructs: ModuleType, crowded: App) -> None:
    of_functions = {path: text for path, text in constructs.policies(crowded).items() if "/Function-" in path}
    assert of_functions
    for path, text in of_functions.items():
        assert "a-project-of" not in text, path


def test_forty_projects_fit_into_every_event_pattern(constructs: ModuleType, crowded: App) -> None:
    patterns = constructs.event_patterns(crowded)
    assert patterns
    for path, pattern in patterns.items():
        assert 2 < len(pattern) <= LONGEST_EVENT_PATTERN, path


def test_a_policy_that_iam_would_refuse_is_refused_in_a_sentence(constructs: ModuleType) -> None:
    document = {"Statement": [{"Resource": [f"arn:aws:s3:::bucket-{n}" for n in range(300)]}]}
    said = constructs.refusal_of_policy(document)
    assert said.startswith("The policy big/Policy has ")
    assert f"and IAM takes {LONGEST_POLICY}. Spread the projects" in said


def test_a_role_with_more_policies_than_iam_takes_is_refused_in_a_sentence(constructs: ModuleType) -> None:
    many = [f"arn:aws:iam::aws:policy/{number}" for number in range(MOST_POLICIES + 1)]
    assert "big/Role has 11 policies and IAM takes 10" in constructs.refusal_of_role(many)
