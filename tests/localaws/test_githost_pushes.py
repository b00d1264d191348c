"""What each kind of push starts, on a running local AWS."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import pytest

from tests.localaws.local_server import LocalServer, eventually
from tests.localaws.pipeline_world import World

pytestmark = pytest.mark.local


@pytest.fixture
def world(local_aws: LocalServer, tmp_path: Path) -> World:
    world = World(local_aws, tmp_path)
    git: dict[str, Any] = {"sourceActionName": "Source", "push": [
        {"branches": {"includes": ["main", "feature/**"]}, "filePaths": {"includes": ["models/**"]}},
        {"tags": {"includes": ["v*"]}},
    ]}  # fmt: skip
    world.create(triggers=[{"providerType": "CodeStarSourceConnection", "gitConfiguration": git}])
    world.copy.commit("Add", {"models/train.py": "1", "README.md": "1"})
    _sources(world, world.copy.push("main"))
    return world


def _succeeded(world: World, identifier: str) -> dict[str, Any] | None:
    return next((item for item in world.actions(identifier) if item["status"] == "Succeeded"), None)


def _sources(world: World, said: str) -> list[dict[str, str]]:
    """The source's output variables of each execution that a push started; they are stopped."""
    found = []
    for identifier in re.findall(rf"Started {world.name} \(([0-9a-f-]+)\)", said):
        source = eventually(functools.partial(_succeeded, world, identifier), f"source of {identifier}")
        found.append(source["output"]["outputVariables"])
        world.pipelines.stop_pipeline_execution(pipelineName=world.name, pipelineExecutionId=identifier, abandon=True)
    return found


def test_a_push_that_no_filter_wants_starts_nothing(world: World) -> None:
    before = len(world.executions())
    world.copy.commit("Document", {"README.md": "2"})

    said = world.copy.push("main")

    assert "Started" not in said
    assert len(world.executions()) == before


def test_a_deleted_branch_starts_nothing(world: World) -> None:
    world.copy.commit("Change", {"models/train.py": "2"})
    world.copy.push("main:feature/a")

    assert "Started" not in world.copy.push(":feature/a")


def test_one_push_of_a_branch_and_a_tag_starts_an_execution_each_on_the_same_commit(world: World) -> None:
    commit = world.copy.commit("Change", {"models/train.py": "2"})
    world.copy.git("tag", "-a", "-m", "first", "v1")

    sources = _sources(world, world.copy.push("main:feature/x", "v1"))

    assert [source["CommitId"] for source in sources] == [commit, commit]
    assert "feature/x" in [source["BranchName"] for source in sources]


def test_a_forced_push_runs_on_the_rewritten_commit_of_its_branch(world: World) -> None:
    world.copy.commit("Change", {"models/train.py": "2"})
    _sources(world, world.copy.push("main:feature/y"))
    world.copy.write({"models/train.py": "3"})
    world.copy.git("commit", "--quiet", "--all", "--amend", "-m", "Change otherwise")
    rewritten = world.copy.git("rev-parse", "HEAD").stdout.strip()

    sources = _sources(world, world.copy.push("--force", "main:feature/y"))

    assert [(source["CommitId"], source["BranchName"]) for source in sources] == [(rewritten, "feature/y")]


def test_a_branch_that_moved_on_does_not_change_what_an_earlier_push_runs_on(world: World) -> None:
    world.pipelines.disable_stage_transition(
        pipelineName=world.name, stageName="Source", transitionType="Inbound", reason="frozen"
    )
    first = world.copy.commit("Change", {"models/train.py": "2"})
    said = world.copy.push("main")
    world.copy.commit("Document", {"README.md": "2"})
    world.copy.push("main")

    world.pipelines.enable_stage_transition(pipelineName=world.name, stageName="Source", transitionType="Inbound")

    assert [source["CommitId"] for source in _sources(world, said)] == [first]
