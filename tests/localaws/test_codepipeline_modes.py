"""Who runs when: QUEUED and SUPERSEDED, stops, retries, closed doors."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from tests.localaws.local_server import LocalServer, eventually
from tests.localaws.pipeline_world import World

pytestmark = pytest.mark.local


@pytest.fixture
def world(local_aws: LocalServer, tmp_path: Path) -> World:
    return World(local_aws, tmp_path)


def _commit_of(job: dict[str, object]) -> str:
    data: dict[str, dict[str, dict[str, str]]] = job["data"]  # type: ignore[assignment]
    return data["actionConfiguration"]["configuration"]["UserParameters"]


def _waits(world: World, stage: str, identifier: str) -> bool:
    states = world.pipelines.get_pipeline_state(name=world.name)["stageStates"]
    inbound = next(item for item in states if item["stageName"] == stage).get("inboundExecutions", [])
    return identifier in [item["pipelineExecutionId"] for item in inbound]


def test_queued_executions_enter_a_stage_one_by_one_in_the_order_of_their_pushes(world: World) -> None:
    world.create()
    pushes = [world.pushed(f"Change {number}") for number in range(3)]
    eventually(lambda: _waits(world, "Register", pushes[2][1]), "the third execution before the door")
    assert len(world.jobs()) == 1

    for number in range(1, 4):
        world.answer(world.job(number))
    ends = [world.finished(identifier)["status"] for _, identifier in pushes]

    assert ends == ["Succeeded"] * 3
    assert [commit in _commit_of(job) for (commit, _), job in zip(pushes, world.jobs(), strict=True)] == [True] * 3


def test_superseded_a_newer_execution_overtakes_the_one_that_waits_not_the_one_that_runs(world: World) -> None:
    world.create(executionMode="SUPERSEDED")
    runs, waits, newest = (world.pushed(f"Change {number}")[1] for number in range(3))
    assert world.finished(waits)["status"] == "Superseded"

    world.answer(world.job(1))
    world.answer(world.job(2))

    assert world.finished(runs)["status"] == "Succeeded"
    assert world.finished(newest)["status"] == "Succeeded"


def test_a_failed_stage_is_retried_from_its_failed_action_with_the_same_commit(world: World) -> None:
    world.create()
    commit, identifier = world.pushed()
    world.pipelines.put_job_failure_result(
        jobId=world.job(1)["id"], failureDetails={"type": "JobFailed", "message": "not now"}
    )
    world.finished(identifier)

    world.pipelines.retry_stage_execution(
        pipelineName=world.name, stageName="Register", pipelineExecutionId=identifier, retryMode="FAILED_ACTIONS"
    )
    again = world.job(2)
    world.answer(again)

    assert commit in _commit_of(again)
    assert world.finished(identifier)["status"] == "Succeeded"
    assert [item["actionName"] for item in world.actions(identifier)] == ["Register", "Register", "Source"]
    state = world.pipelines.get_pipeline_state(name=world.name)["stageStates"][1]
    assert state["retryStageMetadata"] == {"manualStageRetryAttempt": 1, "latestRetryTrigger": "ManualStageRetry"}


def test_retrying_all_actions_runs_those_that_had_succeeded_too(world: World) -> None:
    stages = world.declaration()["stages"]
    steady, flaky = stages[1]["actions"][0], copy.deepcopy(stages[1]["actions"][0])
    flaky |= {"name": "Flaky", "namespace": "Flaky", "runOrder": 2}
    world.create(stages=[stages[0], {"name": "Register", "actions": [steady, flaky]}])
    _, identifier = world.pushed()
    world.answer(world.job(1))
    world.pipelines.put_job_failure_result(
        jobId=world.job(2)["id"], failureDetails={"type": "JobFailed", "message": "not now"}
    )
    world.finished(identifier)

    world.pipelines.retry_stage_execution(
        pipelineName=world.name, stageName="Register", pipelineExecutionId=identifier, retryMode="ALL_ACTIONS"
    )
    world.answer(world.job(3))
    world.answer(world.job(4))

    assert world.finished(identifier)["status"] == "Succeeded"
    assert [item["actionName"] for item in world.actions(identifier)] == [
        "Flaky", "Register", "Flaky", "Register", "Source",
    ]  # fmt: skip


def test_only_a_failed_stage_of_the_latest_execution_is_retried(world: World) -> None:
    world.create()
    first = world.executions()[0]["pipelineExecutionId"]
    _, later = world.pushed()
    world.answer(world.job(1))
    world.finished(later)
    retry = {"pipelineName": world.name, "stageName": "Source", "retryMode": "ALL_ACTIONS"}

    with pytest.raises(ClientError, match="NotLatestPipelineExecutionException"):
        world.pipelines.retry_stage_execution(**retry, pipelineExecutionId=first)
    with pytest.raises(ClientError, match="StageNotRetryableException"):
        world.pipelines.retry_stage_execution(**retry, pipelineExecutionId=later)


def test_a_stop_that_waits_lets_the_running_action_end(world: World) -> None:
    world.create()
    _, identifier = world.pushed()
    job = world.job()
    world.pipelines.stop_pipeline_execution(pipelineName=world.name, pipelineExecutionId=identifier, reason="lunch")
    assert world.execution(identifier)["status"] == "Stopping"

    world.answer(job)

    assert world.finished(identifier)["status"] == "Stopped"
    assert world.executions()[0]["stopTrigger"] == {"reason": "lunch"}


def test_a_stop_that_abandons_does_not_wait(world: World) -> None:
    world.create()
    _, identifier = world.pushed()
    world.job()

    world.pipelines.stop_pipeline_execution(pipelineName=world.name, pipelineExecutionId=identifier, abandon=True)

    assert world.finished(identifier)["status"] == "Stopped"
    assert world.actions(identifier)[0]["status"] == "Abandoned"
    with pytest.raises(ClientError, match="PipelineExecutionNotStoppableException"):
        world.pipelines.stop_pipeline_execution(pipelineName=world.name, pipelineExecutionId=identifier)


def test_a_client_token_starts_one_execution_however_often_it_is_sent(world: World) -> None:
    world.create(variables=[{"name": "Data", "defaultValue": "none"}])
    first = world.start(clientRequestToken="rebuild-1", variables=[{"name": "Data", "value": "v1"}])

    again = world.start(clientRequestToken="rebuild-1", variables=[{"name": "Data", "value": "v1"}])

    assert again == first
    assert world.execution(first)["variables"] == [{"name": "Data", "resolvedValue": "v1"}]
    with pytest.raises(ClientError, match="ConflictException"):
        world.start(clientRequestToken="rebuild-1", variables=[{"name": "Data", "value": "v2"}])


def test_a_variable_that_the_pipeline_does_not_declare_is_refused(world: World) -> None:
    world.create()

    with pytest.raises(ClientError, match="declares no variable 'Data'"):
        world.start(variables=[{"name": "Data", "value": "v1"}])


def test_a_start_with_a_source_revision_takes_that_commit_not_the_branchs(world: World) -> None:
    world.create()
    old, first = world.pushed("Old")
    world.answer(world.job(1))
    world.finished(first)
    _, second = world.pushed("New")
    world.answer(world.job(2))
    world.finished(second)

    world.start(sourceRevisions=[{"actionName": "Source", "revisionType": "COMMIT_ID", "revisionValue": old}])

    assert old in _commit_of(world.job(3))


def test_a_closed_door_holds_executions_until_it_is_opened(world: World) -> None:
    world.create()
    door = {"pipelineName": world.name, "stageName": "Register", "transitionType": "Inbound"}
    world.pipelines.disable_stage_transition(**door, reason="frozen")
    _, identifier = world.pushed()
    eventually(lambda: _waits(world, "Register", identifier), "the execution before the door")
    state = world.pipelines.get_pipeline_state(name=world.name)["stageStates"][1]["inboundTransitionState"]
    assert (state["enabled"], state["disabledReason"]) == (False, "frozen")

    world.pipelines.enable_stage_transition(**door)

    world.answer(world.job())
    assert world.finished(identifier)["status"] == "Succeeded"
