"""Rebuilds on a real pipeline of the local AWS: started once, timed, and explained when they fail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.codepipeline import CodePipelines, PipelineJob, UnknownExecutionError
from dropforge.domain.head import Rebuild
from dropforge.domain.run import Requester, RequesterKind
from dropforge.workflow.ports import ConnectionPendingError
from tests.contract.records import NOON
from tests.localaws.local_server import LocalServer
from tests.localaws.pipeline_world import World

pytestmark = pytest.mark.local

VARIABLES = [{"name": "dataset_version", "defaultValue": "none"}]


@pytest.fixture
def world(server: LocalServer, tmp_path: Path) -> World:
    """A pipeline whose last action is a function that answers nothing by itself."""
    world = World(server, tmp_path, name=f"dropforge-test-{uuid4().hex[:8]}")
    world.create(variables=VARIABLES)
    return world


@pytest.fixture
def rebuild(world: World) -> Rebuild:
    project = world.name.removeprefix("dropforge-test-")
    return Rebuild(project, f"sha256:{uuid4().hex * 2}", Requester(RequesterKind.DROP, "ada"), NOON)


def pipelines_of(world: World, aws: AwsClients) -> CodePipelines:
    return CodePipelines(aws, "dropforge-test", world.connection)


def test_a_rebuild_is_one_execution_however_often_it_is_started_and_knows_its_data(
    world: World, rebuild: Rebuild, local_aws: AwsClients
) -> None:
    pipelines = pipelines_of(world, local_aws)
    execution = pipelines.start_rebuild(rebuild)
    assert pipelines.start_rebuild(rebuild) == execution
    assert world.execution(execution)["variables"] == [
        {"name": "dataset_version", "resolvedValue": rebuild.dataset_version}
    ]


def test_an_execution_started_when_its_source_did(world: World, rebuild: Rebuild, local_aws: AwsClients) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    _, execution = world.pushed()
    after = datetime.now(UTC) + timedelta(seconds=1)
    world.job()
    assert before <= pipelines_of(world, local_aws).started_at(rebuild.project, execution) <= after


def test_an_execution_that_never_was_has_no_time(world: World, rebuild: Rebuild, local_aws: AwsClients) -> None:
    with pytest.raises(UnknownExecutionError):
        pipelines_of(world, local_aws).started_at(rebuild.project, "00000000-0000-0000-0000-000000000000")


def test_a_failed_action_is_explained_in_the_words_of_whoever_failed_it(
    world: World, rebuild: Rebuild, local_aws: AwsClients
) -> None:
    _, execution = world.pushed()
    job = PipelineJob(local_aws, world.job()["id"])
    job.fail("the build pushed no image: retry the build stage")
    job.succeed({})  # a second answer, of a second delivery, changes nothing
    world.finished(execution)
    assert pipelines_of(world, local_aws).retry_registration(rebuild.project, execution)
    failure = pipelines_of(world, local_aws).why_failed(rebuild.project, execution)
    assert failure.reason.startswith("Register/Register: ")
    assert "the build pushed no image: retry the build stage" in failure.reason


def test_a_registration_that_is_tried_again_already_is_no_lost_one_until_others_came_after_it(
    world: World, rebuild: Rebuild, local_aws: AwsClients
) -> None:
    pipelines = pipelines_of(world, local_aws)
    _, execution = world.pushed()
    PipelineJob(local_aws, world.job(1)["id"]).fail("not now")
    world.finished(execution)
    assert pipelines.retry_registration(rebuild.project, execution)
    assert pipelines.retry_registration(rebuild.project, execution)
    PipelineJob(local_aws, world.job(2)["id"]).succeed({})
    world.finished(execution)
    assert not pipelines.retry_registration(rebuild.project, execution)


def test_a_pending_connection_is_said_before_anything_is_started(
    server: LocalServer, tmp_path: Path, local_aws: AwsClients
) -> None:
    world = World(server, tmp_path)
    pipelines = CodePipelines(local_aws, "dropforge-test", world.pending_connection)
    rebuild = Rebuild("digits", "sha256:00", Requester(RequesterKind.DROP, "ada"), NOON)
    with pytest.raises(ConnectionPendingError, match="complete it in the AWS console"):
        pipelines.start_rebuild(rebuild)
