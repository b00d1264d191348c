"""Our resource types in a real stack."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.localaws.local_server import LocalServer
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
    stack = _stack(world)
    assert stack["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, stack
    return {item["OutputKey"]: item["OutputValue"] for item in stack["Outputs"]}


def _stack(world: World) -> dict[str, Any]:
    found: dict[str, Any] = world.server.client("cloudformation").describe_stacks(StackName=world.name)["Stacks"][0]
    return found


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

    assert world.name not in [item["name"] for item in world.pipelines.list_pipelines()["pipelines"]]
    listed = world.server.client("codeconnections").list_connections()["Connections"]
    assert outputs["Connection"] not in [item["ConnectionArn"] for item in listed]


def test_a_mistake_in_the_template_fails_the_stack_with_the_sentence(world: World) -> None:
    template = _template(world)
    template["Resources"]["Pipeline"]["Properties"]["Stages"][1]["Actions"][0]["InputArtifacts"] = [{"Name": "Nothing"}]

    world.server.client("cloudformation").create_stack(StackName=world.name, TemplateBody=json.dumps(template))

    assert _stack(world)["StackStatus"] == "ROLLBACK_COMPLETE"
    events = world.server.client("cloudformation").describe_stack_events(StackName=world.name)["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events]
    assert any("The input artifact Nothing of action Register is not an output" in reason for reason in reasons)


def test_a_failed_update_has_rolled_back_by_the_time_that_the_change_set_is_answered(world: World) -> None:
    cloudformation = world.server.client("cloudformation")
    before = _apply(world, "create_stack", _template(world))
    template = _template(world, variables=[{"name": "Data", "defaultValue": "none"}])
    template["Resources"]["Refused"] = {"Type": "AWS::CodePipeline::Pipeline", "Properties": {"Name": "not one"}}
    template["Resources"]["Refused"]["DependsOn"] = "Pipeline"

    change = {"StackName": world.name, "ChangeSetName": "bad"}
    cloudformation.create_change_set(**change, TemplateBody=json.dumps(template))
    assert cloudformation.describe_change_set(**change)["Status"] == "CREATE_COMPLETE"
    cloudformation.execute_change_set(**change)

    assert _stack(world)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    pipeline = world.pipelines.get_pipeline(name=before["Pipeline"])["pipeline"]
    assert pipeline.get("variables", []) == []


@pytest.mark.parametrize(("later", "verb"), [("bucket-2", "update"), (None, "delete")])
def test_an_export_that_another_stack_imports_stays_as_it_is(world: World, later: str | None, verb: str) -> None:
    cloudformation, importer = world.server.client("cloudformation"), f"{world.name}-importer"
    _apply(world, "create_stack", _exporting(world, "bucket-1"))
    imported = {"Type": "String", "Value": {"Fn::ImportValue": f"{world.name}-export"}}
    reading = {"Resources": {"Copy": {"Type": "AWS::SSM::Parameter", "Properties": imported}}}
    cloudformation.create_stack(StackName=importer, TemplateBody=json.dumps(reading))

    without = json.dumps(_exporting(world, later))
    cloudformation.update_stack(StackName=world.name, TemplateBody=without)
    assert _stack(world)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    events = cloudformation.describe_stack_events(StackName=world.name)["StackEvents"]
    said = f"Cannot {verb} export {world.name}-export as it is in use by {importer}."
    assert said in [event.get("ResourceStatusReason") for event in events]

    cloudformation.delete_stack(StackName=importer)
    cloudformation.update_stack(StackName=world.name, TemplateBody=without)
    assert _stack(world)["StackStatus"] == "UPDATE_COMPLETE"


def _exporting(world: World, value: str | None) -> dict[str, Any]:
    kept = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": f"{value}"}}
    exported = {"Value": value, "Export": {"Name": f"{world.name}-export"}}
    return {"Resources": {"Kept": kept}, "Outputs": {"Exported": exported} if value else {}}


def test_what_a_failed_first_deployment_made_is_gone_and_what_a_later_one_deletes_is_kept(world: World) -> None:
    cloudformation = world.server.client("cloudformation")
    kept = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": f"{world.name}-kept"}, **kept}
    refused = {"Type": "AWS::CodePipeline::Pipeline", "Properties": {"Name": "not one"}, "DependsOn": "Kept"}

    cloudformation.create_stack(
        StackName=world.name, TemplateBody=json.dumps({"Resources": {"Kept": bucket, "Refused": refused}})
    )
    assert _stack(world)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert not _buckets(world)

    cloudformation.delete_stack(StackName=world.name)
    cloudformation.create_stack(StackName=world.name, TemplateBody=json.dumps({"Resources": {"Kept": bucket}}))
    assert _stack(world)["StackStatus"] == "CREATE_COMPLETE"
    cloudformation.delete_stack(StackName=world.name)
    assert _buckets(world) == [f"{world.name}-kept"]


def _buckets(world: World) -> list[str]:
    names = [bucket["Name"] for bucket in world.server.client("s3").list_buckets()["Buckets"]]
    return [name for name in names if name == f"{world.name}-kept"]
