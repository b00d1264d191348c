"""What arrives while a run comes about, as messages that can be delivered again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from dropforge.domain.project import OnData
from dropforge.domain.run import RunStatus
from dropforge.domain.trail import verify
from dropforge.workflow.accept_drop import accept_drop
from dropforge.workflow.announce import announce
from dropforge.workflow.dispatch_runs import dispatch_runs
from dropforge.workflow.ports import Ports
from dropforge.workflow.record_job_state import record_job_state
from dropforge.workflow.register_image import register_image
from dropforge.workflow.run_project import RunOrder, run_project
from dropforge.workflow.seal_dataset import seal_dataset, wake_due_seals
from dropforge.workflow.sweep import sweep
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.world import DIGITS, World, stage_of

Message: TypeAlias = Callable[[Ports], object]
Chapter: TypeAlias = Callable[[World], Iterator[Message]]


def data_arrives(world: World) -> Iterator[Message]:
    for key, content in (("digits/a", b"one"), ("digits/test/b", b"two")):
        drop = world.told_of(world.bucket.put(key, content))
        yield partial(accept_drop, drop=drop)
    world.clock.pass_by(seconds=61)
    yield partial(seal_dataset, project_name="digits")


def image_arrives(world: World) -> Iterator[Message]:
    built = world.built()
    yield partial(register_image, built=built)


def rebuilt_image_arrives(world: World) -> Iterator[Message]:
    yield wake_due_seals
    (rebuild,) = world.store.rebuilds.values()
    built = world.built_for(rebuild)
    yield partial(register_image, built=built)


def run_goes_on(world: World) -> Iterator[Message]:
    yield dispatch_runs
    yield dispatch_runs
    (name,) = world.jobs.running()
    world.jobs.end(name, JobEnd())
    yield partial(record_job_state, job_name=name)
    for pending in world.store.pending_announcements():
        yield partial(announce, key=pending.key)
    world.clock.pass_by(minutes=15)
    yield sweep


STORIES: dict[str, tuple[OnData, tuple[Chapter, ...]]] = {
    "data, then image": (OnData.REUSE, (data_arrives, image_arrives, run_goes_on)),
    "image, then data": (OnData.REUSE, (image_arrives, data_arrives, run_goes_on)),
    "data that asks for a build": (OnData.REBUILD, (data_arrives, rebuilt_image_arrives, run_goes_on)),
}


def messages_of(story: str) -> tuple[World, Iterator[Message]]:
    """A fresh world, and what arrives in it; AWS does its part between two messages."""
    on_data, chapters = STORIES[story]
    world = World(stage_of(replace(DIGITS, on_data=on_data)))
    return world, (message for chapter in chapters for message in chapter(world))


def check_one_of_each(world: World, where: str) -> None:
    """One run, one job, one trail that verifies, all of it told, and every place given back."""
    run = world.only_run()
    assert run.status is RunStatus.COMPLETED, where
    assert len(world.jobs.requests) == 1, where
    verify(world.store.trail(run.id), run.trail)
    assert world.store.pending_announcements() == (), where
    load = world.store.load("digits", run.requested_at.date())
    assert (load.open_runs, load.started_today) == (0, 1), where


def with_runs(world: World, count: int, project: str = "digits") -> World:
    """So many runs of the project wait, each asked for a second after the one before."""
    world.push(project)
    world.drop(f"{project}/a")
    world.grow_quiet(project)
    for number in range(1, count):
        world.clock.pass_by(seconds=1)
        run_project(world.ports, RunOrder(project, "ada", {"seed": str(number)}))
    return world
