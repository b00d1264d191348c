"""What goes wrong says what to do, where a person looks: in the action's error details."""

from __future__ import annotations

import functools
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


def _error(world: World, identifier: str) -> dict[str, str]:
    assert world.finished(identifier)["status"] == "Failed"
    error: dict[str, str] = world.actions(identifier)[0]["output"]["executionResult"]["errorDetails"]
    return error


def _source_of(world: World, identifier: str) -> dict[str, Any] | None:
    """The source action once it has ended."""
    ended = [item for item in world.actions(identifier) if item["status"] != "InProgress"]
    return next((item for item in ended if item["actionName"] == "Source"), None)


def _permit(world: World, effect: str, action: str) -> None:
    """Add a statement to the pipeline's role."""
    statement = {"Effect": effect, "Action": action, "Resource": "*"}
    world.server.client("iam").put_role_policy(
        RoleName=f"{world.name}-pipeline",
        PolicyName="more",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )


def _reconfigured(world: World, **configuration: str) -> str:
    """Update the source action's configuration and start the pipeline."""
    declaration = world.declaration()
    declaration["stages"][0]["actions"][0]["configuration"] |= configuration
    world.pipelines.update_pipeline(pipeline=declaration)
    return world.start()


def test_a_new_pipeline_starts_at_once_and_says_that_the_branch_is_not_there_yet(world: World) -> None:
    assert world.copy.path.is_dir()
    world.create()

    first = world.executions()[0]

    assert first["trigger"]["triggerType"] == "CreatePipeline"
    assert "no branch named main (it has: none)" in _error(world, first["pipelineExecutionId"])["message"]


def test_a_pending_connection_fails_the_source_and_names_the_command_that_completes_it(world: World) -> None:
    world.create()
    pending = world.server.client("codeconnections").create_connection(
        ProviderType="GitHub", ConnectionName=f"{world.name}-2"
    )["ConnectionArn"]
    _permit(world, "Allow", "codestar-connections:UseConnection")

    error = _error(world, _reconfigured(world, ConnectionArn=pending))

    assert "is PENDING" in error["message"]
    assert f"python -m localaws connection accept {pending}" in error["message"]


def test_a_push_through_a_pending_connection_starts_nothing_and_tells_the_pusher_why(world: World) -> None:
    world.create()
    pending = world.server.client("codeconnections").create_connection(
        ProviderType="GitHub", ConnectionName=f"{world.name}-2"
    )["ConnectionArn"]
    world.finished(_reconfigured(world, ConnectionArn=pending))
    before = len(world.executions())
    world.copy.commit("Change", {"train.py": ""})

    said = world.copy.push("main")

    assert f"Did not start {world.name}: its connection is pending" in said
    assert len(world.executions()) == before


def test_a_role_that_may_not_use_the_connection_is_told_which_permission_it_lacks(world: World) -> None:
    world.create()
    world.copy.commit("Add", {"train.py": ""})
    world.copy.push("main")
    _permit(world, "Deny", "*:UseConnection")

    error = _error(world, world.start())

    assert error["code"] == "PermissionError"
    assert "codeconnections:UseConnection" in error["message"]


def test_a_role_may_be_limited_to_one_repository_of_a_connection(world: World) -> None:
    world.create()
    role = world.role.rpartition("/")[2]
    iam = world.server.client("iam")
    for repository, outcome in ((world.repository, "Succeeded"), ("acme/other", "Failed")):
        document = iam.get_role_policy(RoleName=role, PolicyName="allowed")["PolicyDocument"]
        for statement in document["Statement"]:
            if statement["Action"] == "codeconnections:UseConnection":
                key = "codeconnections:FullRepositoryId"
                statement["Condition"] = {"ForAllValues:StringEquals": {key: repository}}
        iam.put_role_policy(RoleName=role, PolicyName="allowed", PolicyDocument=json.dumps(document))
        _, identifier = world.pushed()
        source = functools.partial(_source_of, world, identifier)
        assert eventually(source, f"source of {identifier}")["status"] == outcome
        if outcome == "Succeeded":
            world.answer(world.job())


def test_a_repository_that_is_not_there_is_named_with_the_command_that_makes_it(world: World) -> None:
    world.create()

    error = _error(world, _reconfigured(world, FullRepositoryId="acme/nowhere"))

    assert "no repository acme/nowhere" in error["message"]
    assert "python -m localaws git create acme/nowhere" in error["message"]


def test_a_role_that_may_not_invoke_the_function_fails_the_action_with_the_permission(world: World) -> None:
    world.create()
    _permit(world, "Deny", "lambda:*")
    _, identifier = world.pushed()

    error = _error(world, identifier)

    assert error["code"] == "PermissionError"
    assert "lambda:InvokeFunction" in error["message"]
    assert world.jobs() == []


def test_a_role_that_may_not_write_artifacts_fails_the_source(world: World) -> None:
    world.create()
    _permit(world, "Deny", "s3:PutObject")
    _, identifier = world.pushed()

    assert "could not be written to s3://" in _error(world, identifier)["message"]


def test_a_variable_that_nothing_produced_fails_the_action_and_is_named(world: World) -> None:
    declaration = world.declaration()
    declaration["stages"][1]["actions"][0]["configuration"]["UserParameters"] = "#{Source.Tag}"
    world.create(stages=declaration["stages"])
    _, identifier = world.pushed()

    assert "#{Source.Tag}" in _error(world, identifier)["message"]


def test_updating_a_pipeline_cancels_what_runs_once_its_action_has_ended(world: World) -> None:
    world.create()
    _, identifier = world.pushed()
    job = world.job()
    world.pipelines.update_pipeline(pipeline=world.declaration(variables=[{"name": "A", "defaultValue": "1"}]))
    assert world.execution(identifier)["status"] == "InProgress"

    world.answer(job)

    assert world.finished(identifier)["status"] == "Cancelled"
    assert "was updated" in world.execution(identifier)["statusSummary"]


def test_a_caller_that_may_not_start_this_pipeline_is_refused(world: World) -> None:
    world.create()
    stranger = world.server.role(
        f"{world.name}-stranger", "lambda.amazonaws.com",
        {"Effect": "Allow", "Action": "codepipeline:Start*", "Resource": "arn:aws:codepipeline:*:*:other"},
    )  # fmt: skip
    client = world.server.client("codepipeline", stranger)

    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.start_pipeline_execution(name=world.name)


def test_creating_a_pipeline_needs_the_right_to_pass_its_role(world: World) -> None:
    stranger = world.server.role(
        f"{world.name}-stranger", "lambda.amazonaws.com",
        {"Effect": "Allow", "Action": "codepipeline:*", "Resource": "*"},
    )  # fmt: skip
    client = world.server.client("codepipeline", stranger)
    declaration = world.declaration()

    with pytest.raises(client.exceptions.ClientError, match="iam:PassRole"):
        client.create_pipeline(pipeline=declaration)
