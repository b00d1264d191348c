from __future__ import annotations

from typing import Any

import pytest

from app import ROOT
from dropforge.domain.announcement import Outcome
from tests.infrastructure.synthesis import Synthesis, synthesize

NOT_FOR_OPS = {"completed", "superseded"}


def test_a_project_member_is_mailed_of_their_project_alone(local: Synthesis) -> None:
    assert _filters(local)["ada@example.com"] == {"project": ["digits"]}


def test_ops_are_mailed_of_every_projects_outcomes_that_want_attention(local: Synthesis) -> None:
    policy = _filters(local)["ops@example.com"]
    assert "project" not in policy
    assert set(policy["outcome"]) == {outcome.value for outcome in Outcome} - NOT_FOR_OPS


def test_alarms_reach_ops_unfiltered(local: Synthesis) -> None:
    [subscription] = local.resources("AWS::SNS::Subscription", path="foundation/Alarms")
    assert subscription.properties["Endpoint"] == "ops@example.com"
    assert "FilterPolicy" not in subscription.properties
    alarms = local.resources("AWS::CloudWatch::Alarm")
    assert alarms
    assert all("Alarms" in action for alarm in alarms for action in alarm.properties["AlarmActions"])


@pytest.fixture(scope="module")
def shared_address(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """Ada is ops, hears all of digits, and of cancer only what has failed."""
    folder = tmp_path_factory.mktemp("mail")
    text = (ROOT / "config" / "local.yaml").read_text("utf-8")
    text = text.replace("ops@example.com", "ada@example.com")
    text = text.replace("[{ mail: grace@example.com }]", "[{ mail: ada@example.com, on: [failed] }]")
    config = folder / "local.yaml"
    config.write_text(text)
    return synthesize(config, folder / "out")


def test_an_address_subscribes_once_to_all_that_it_is_to_be_told(shared_address: Synthesis) -> None:
    filters = _filters(shared_address)
    assert list(filters) == ["ada@example.com"]
    ops, *projects = filters["ada@example.com"]["$or"]
    assert "project" not in ops
    assert sorted(projects, key=str) == [{"project": ["cancer"], "outcome": ["failed"]}, {"project": ["digits"]}]


def _filters(synthesis: Synthesis) -> dict[str, dict[str, Any]]:
    subscriptions = synthesis.resources("AWS::SNS::Subscription", path="foundation/Outcomes")
    found = {one.properties["Endpoint"]: one.properties["FilterPolicy"] for one in subscriptions}
    assert len(found) == len(subscriptions)
    return found
