"""Our resource types in a real stack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.localaws.local_server import LocalServer, eventually
from tests.localaws.pipeline_world import World

pytestmark = pytest.mark.local


@pytest.fixture
def world(local_aws: LocalServer, tmp_path: Path) -> World:
    return World(local_aws, tmp_path)


def _pascal(value: Any) -> Any:
    """An API's request as a template would have it; what an action's configuration holds is left alone."""
    if isinstance(value, dict):
        return {
            name[0].upper() + name[1:]: item if name == "configuration" else _pascal(item)
            for name, item in value.items()
        }
    return [_pascal(item) for item in value] if isinstance(value, list) else value


def _template(world: World, kind: str = "CodeConnections", **changes: Any) -> dict[str, Any]:
    pipeline = _pascal(world.declaration(**changes))
    pipeline["Stages"][0]["Actions"][0]["Configuration"]["ConnectionArn"] = {"Ref": "Connection"}
    return {
        "Resources": {
            "Connection": {
                "Type": f"AWS::{kind}::Connection",
                "Properties": {"ConnectionName": f"{world.name}-stack", "ProviderType": "GitHub"},
            },
            "Pipeline": {"Type": "AWS::CodePipeline::Pipeline", "Properties": pipeline},
        },
        "Outputs": {
            "Pipeline": {"Value": {"Ref": "Pipeline"}},
            "Version": {"Value": {"Fn::GetAtt": ["Pipeline", "Version"]}},
            "Connection": {"Value": {"Fn::GetAtt": ["Connection", "ConnectionArn"]}},
            "Status": {"Value": {"Fn::GetAtt": ["Connection", "ConnectionStatus"]}},
        },
    }


def _apply(world: World, operation: str, template: dict[str, Any]) -> dict[str, str]:
    """Create or update the stack; return its outputs."""
    cloudformation = world.server.client("cloudformation")
    getattr(cloudformation, operation)(StackName=world.name, TemplateBody=json.dumps(template))
    stack = _settled(world)
    assert stack["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, stack
    return {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}


def _settled(world: World) -> dict[str, Any]:
    cloudformation = world.server.client("cloudformation")

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = cloudformation.describe_stacks(StackName=world.name)["Stacks"][0]
        return None if found["StackStatus"].endswith("_IN_PROGRESS") else found

    return eventually(look, "the stack's end")


@pytest.mark.parametrize("kind", ["CodeConnections", "CodeStarConnections"])
def test_a_stack_makes_a_pipeline_and_a_pending_connection(world: World, kind: str) -> None:
    outputs = _apply(world, "create_stack", _template(world, kind))

    assert (outputs["Pipeline"], outputs["Version"], outputs["Status"]) == (world.name, "1", "PENDING")
    shown = world.pipelines.get_pipeline(name=world.name)["pipeline"]
    assert shown["stages"][0]["actions"][0]["configuration"]["ConnectionArn"] == outputs["Connection"]
    assert outputs["Connection"].split(":")[2] == {"CodeConnections": "codeconnections"}.get(
        kind, "codestar-connections"
    )


def test_an_update_changes_the_pipeline_in_place_and_a_rename_replaces_it(world: World) -> None:
    _apply(world, "create_stack", _template(world))

    changed = _apply(world, "update_stack", _template(world, variables=[{"name": "Data", "defaultValue": "none"}]))
    renamed = _apply(world, "update_stack", _template(world, name=f"{world.name}-2"))

    assert changed["Version"] == "2"
    assert renamed["Pipeline"] == f"{world.name}-2"
    names = [item["name"] for item in world.pipelines.list_pipelines()["pipelines"]]
    assert world.name not in names
    assert f"{world.name}-2" in names


def test_deleting_the_stack_deletes_what_it_made(world: World) -> None:
    outputs = _apply(world, "create_stack", _template(world))

    world.server.client("cloudformation").delete_stack(StackName=world.name)
    eventually(
        lambda: world.name not in [item["name"] for item in world.pipelines.list_pipelines()["pipelines"]],
        "no pipeline",
    )

    listed = world.server.client("codeconnections").list_connections()["Connections"]
    assert outputs["Connection"] not in [item["ConnectionArn"] for item in listed]


def test_a_mistake_in_the_template_fails_the_stack_with_the_sentence(world: World) -> None:
    template = _template(world)
    template["Resources"]["Pipeline"]["Properties"]["Stages"][1]["Actions"][0]["InputArtifacts"] = [{"Name": "Nothing"}]

    world.server.client("cloudformation").create_stack(StackName=world.name, TemplateBody=json.dumps(template))

    assert _settled(world)["StackStatus"] == "ROLLBACK_COMPLETE"
    events = world.server.client("cloudformation").describe_stack_events(StackName=world.name)["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events]
    assert any("The input artifact Nothing of action Register is not an output" in reason for reason in reasons)
