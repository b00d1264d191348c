"""Build actions: the pipeline's variables go in, exported ones and artifacts come out."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.localaws.building_world import BuildingWorld
from tests.localaws.local_server import LocalServer
from tests.localaws.pipeline_world import World

pytestmark = pytest.mark.local


@pytest.fixture
def world(local_aws: LocalServer, tmp_path: Path) -> BuildingWorld:
    return BuildingWorld(local_aws, tmp_path)


def _artifact(world: World, job: dict[str, Any]) -> zipfile.ZipFile:
    place = job["data"]["inputArtifacts"][0]["location"]["s3Location"]
    stored = world.server.client("s3").get_object(Bucket=place["bucketName"], Key=place["objectKey"])
    assert stored["SSEKMSKeyId"] == world.key
    return zipfile.ZipFile(io.BytesIO(stored["Body"].read()))


@pytest.mark.parametrize("source_format", ["CODE_ZIP", "CODEBUILD_CLONE_REF"])
def test_a_build_gets_the_pipelines_variables_and_gives_its_own(world: BuildingWorld, source_format: str) -> None:
    world.source_format = source_format
    world.create()
    world.allow_builds()
    _, identifier = world.pushed('Say "hello"\n\nand more', **{"train.py": "v7"})

    job = world.job()
    world.answer(job)

    assert job["data"]["actionConfiguration"]["configuration"]["UserParameters"] == f"v7-none-{identifier}"
    assert _artifact(world, job).read("message.txt").decode() == 'Say "hello"\n\nand more'
    assert world.finished(identifier)["status"] == "Succeeded"
    build = world.actions(identifier)[1]
    assert build["output"]["executionResult"]["externalExecutionId"].startswith(f"{world.name}:")
    assert build["output"]["outputVariables"] == {"IMAGE_TAG": f"v7-none-{identifier}"}


def test_a_failed_build_fails_the_action_with_the_phase_and_the_command(world: BuildingWorld) -> None:
    world.buildspec = "version: 0.2\nphases: {build: {commands: ['exit 3']}}\n"
    world.create()
    world.allow_builds()
    _, identifier = world.pushed()

    assert world.finished(identifier)["status"] == "Failed"
    error = world.actions(identifier)[0]["output"]["executionResult"]["errorDetails"]
    assert error["code"] == "JobFailed"
    assert "Build terminated with state: FAILED. Phase: BUILD" in error["message"]
    assert "exit 3" in error["message"]


def test_a_role_that_may_not_start_the_build_is_told_which_permission_it_lacks(world: BuildingWorld) -> None:
    world.create()
    _, identifier = world.pushed()

    assert world.finished(identifier)["status"] == "Failed"
    result = world.actions(identifier)[0]["output"]["executionResult"]
    assert result["errorDetails"]["code"] == "PermissionError"
    assert (
        f"allow it codebuild:StartBuild on arn:aws:codebuild:{world.server.region}" in result["errorDetails"]["message"]
    )
    assert "externalExecutionId" not in result


def test_a_build_role_may_be_limited_to_pulling_one_repository_and_one_for_pushing_pulls_nothing(
    world: BuildingWorld,
) -> None:
    world.source_format = "CODEBUILD_CLONE_REF"
    world.create()
    world.allow_builds()
    for action, permissions, outcome in (
        ("GitPull", "read_only", "Succeeded"),
        ("GitPush", "read_write", "Failed"),
    ):
        _limit(world, FullRepositoryId=world.repository, ProviderAction=action, ProviderPermissionsRequired=permissions)
        _, identifier = world.pushed(**{"train.py": action})
        if outcome == "Succeeded":
            world.answer(world.job())
        assert world.finished(identifier)["status"] == outcome
    error = world.actions(identifier)[0]["output"]["executionResult"]["errorDetails"]["message"]
    assert f"for the ProviderAction GitPull of {world.repository}" in error


def _limit(world: BuildingWorld, **keys: str) -> None:
    """Let the build's role use the connection on condition that its request carries these keys."""
    iam = world.server.client("iam")
    role = world.build_role.rpartition("/")[2]
    document = iam.get_role_policy(RoleName=role, PolicyName="allowed")["PolicyDocument"]
    for statement in document["Statement"]:
        if statement["Action"] == "codeconnections:UseConnection":
            condition = {f"codeconnections:{key}": value for key, value in keys.items()}
            statement["Condition"] = {"StringEquals": condition}
    iam.put_role_policy(RoleName=role, PolicyName="allowed", PolicyDocument=json.dumps(document))


def test_a_project_that_is_not_there_is_named(world: BuildingWorld) -> None:
    world.create()
    world.allow_builds()
    world.server.client("codebuild").delete_project(name=world.project)
    _, identifier = world.pushed()

    world.finished(identifier)
    error = world.actions(identifier)[0]["output"]["executionResult"]["errorDetails"]
    assert f"Project cannot be found: {world.name}" in error["message"]
