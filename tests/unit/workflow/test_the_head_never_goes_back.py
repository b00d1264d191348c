"""Whatever comes late, twice or out of order: the head only moves forward, no run is missed and none is doubled."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from dropforge.domain.project import OnData
from dropforge.workflow.register_image import BuiltImage, register_image
from dropforge.workflow.seal_dataset import wake_due_seals
from tests.fakes.world import DIGITS, World, stage_of


def with_data(world: World) -> World:
    world.drop("digits/a")
    world.grow_quiet()
    return world


def builds(world: World, count: int = 3) -> list[BuiltImage]:
    """Of as many commits, in the order in which their pipeline executions started."""
    return [world.built(commit=f"c{number}") for number in range(count)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_builds_that_finish_in_any_order_make_a_run_each_and_the_last_started_is_the_head(
    order: tuple[int, ...],
) -> None:
    world = with_data(World())
    built = builds(world)
    for number in order:
        for _ in range(2):
            register_image(world.ports, built[number])
    head = world.store.head("digits").image
    assert head is not None
    assert head.commit == "c2"
    assert sorted(run.image.commit for run in world.store.runs.values()) == ["c0", "c1", "c2"]


def test_data_that_comes_between_builds_out_of_order_trains_with_the_latest_image() -> None:
    world = with_data(World())
    older, newer = builds(world, 2)
    register_image(world.ports, newer)
    world.drop("digits/b")
    world.grow_quiet()
    register_image(world.ports, older)
    trained = sorted((run.image.commit, run.dataset.objects) for run in world.store.runs.values())
    assert trained == [("c0", 2), ("c1", 1), ("c1", 2)]


def test_a_stage_that_is_retried_long_after_a_newer_build_moves_nothing() -> None:
    world = with_data(World())
    older, newer = builds(world, 2)
    register_image(world.ports, older)
    register_image(world.ports, newer)
    head, runs = world.store.head("digits"), dict(world.store.runs)
    world.clock.pass_by(hours=5)
    register_image(world.ports, older)
    assert (world.store.head("digits"), world.store.runs) == (head, runs)


def test_a_rebuild_that_is_asked_for_twice_is_one_execution_and_one_run() -> None:
    world = World(stage_of(replace(DIGITS, on_data=OnData.REBUILD)))
    world.push()
    with_data(world)
    for _ in range(3):
        wake_due_seals(world.ports)
        world.clock.pass_by(minutes=1)
    (rebuild,) = world.store.rebuilds.values()
    assert len(world.builds.rebuilds) == 1
    first = world.push_rebuild(rebuild, content="rebuilt")
    again = world.push_rebuild(rebuild, content="rebuilt, with other bytes")
    assert first.run is not None
    assert again.run == first.run
    assert len(world.store.runs) == 1


def test_a_drop_during_a_rebuild_asks_for_another_and_both_train() -> None:
    world = World(stage_of(replace(DIGITS, on_data=OnData.REBUILD)))
    with_data(world)
    world.drop("digits/b")
    world.grow_quiet()
    first, second = sorted(world.store.rebuilds.values(), key=lambda rebuild: rebuild.requested_at)
    world.push_rebuild(second, content="second")
    world.push_rebuild(first, content="first")
    assert sorted(run.dataset.objects for run in world.store.runs.values()) == [1, 2]
    head = world.store.head("digits").image
    assert head is not None
    assert head.execution_id == world.builds.rebuilds[f"digits/{second.client_token}"]
