"""A pipeline outlives the server that runs it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.localaws.building_world import BuildingWorld
from tests.localaws.local_server import LocalServer, eventually, run_command, start
from tests.localaws.pipeline_world import World

pytestmark = pytest.mark.local


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[LocalServer]:
    """A server that a test may stop, beside the one that all share."""
    server = start(tmp_path / "home")
    try:
        yield server
    finally:
        run_command("down", "--home", str(tmp_path / "home"))


def test_a_job_and_an_execution_that_waits_behind_it_survive_stop_and_start(
    own_server: LocalServer, tmp_path: Path
) -> None:
    world = World(own_server, tmp_path)
    world.create()
    first, second = world.pushed("First"), world.pushed("Second")
    job = world.job()

    run_command("down", "--home", str(own_server.home.root))
    said = world.copy.push("main:while-it-was-down")
    again = replace(World(start(own_server.home.root), tmp_path), name=world.name)
    again.answer_as(f"arn:aws:iam::{own_server.account}:role/{world.name}-function", job)
    ended = again.finished(first[1])
    later = eventually(lambda: [each for each in again.jobs() if each["id"] != job["id"]], "the next job")[0]
    again.answer_as(f"arn:aws:iam::{own_server.account}:role/{world.name}-function", later)

    assert "start it with `python -m localaws up`" in said
    assert ended["status"] == "Succeeded"
    assert second[0] in later["data"]["actionConfiguration"]["configuration"]["UserParameters"]
    assert again.finished(second[1])["status"] == "Succeeded"
    assert [item["actionName"] for item in again.actions(first[1])] == ["Register", "Source"]


def test_a_build_that_the_stop_cut_short_fails_its_action_with_the_reason(
    own_server: LocalServer, tmp_path: Path
) -> None:
    world = BuildingWorld(own_server, tmp_path, buildspec="version: 0.2\nphases: {build: {commands: [sleep 60]}}\n")
    world.create()
    world.allow_builds()
    _, identifier = world.pushed()
    eventually(lambda: world.actions(identifier)[0]["output"]["executionResult"].get("externalExecutionId"), "a build")

    run_command("down", "--home", str(own_server.home.root))
    again = replace(World(start(own_server.home.root), tmp_path), name=world.name)

    assert again.finished(identifier)["status"] == "Failed"
    error = again.actions(identifier)[0]["output"]["executionResult"]["errorDetails"]
    assert error["code"] == "JobFailed"
    assert "Build terminated with state:" in error["message"]
