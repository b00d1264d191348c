"""Whatever is killed at whatever call, delivering the same messages again ends in the same single run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from typing import TypeAlias

import pytest

from dropforge.domain.project import OnData
from dropforge.domain.run import RunStatus
from dropforge.domain.trail import verify
from dropforge.workflow.accept_drop import accept_drop
from dropforge.workflow.announce import announce
from dropforge.workflow.dispatch_runs import dispatch_runs
from dropforge.workflow.ports import Ports
from dropforge.workflow.record_job_state import record_job_state
from dropforge.workflow.register_image import register_image
from dropforge.workflow.seal_dataset import seal_dataset, wake_due_seals
from dropforge.workflow.sweep import sweep
from tests.fakes.interruption import CutOff, Interruption, interrupted
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.world import DIGITS, World, stage_of

Message: TypeAlias = Callable[[Ports], object]
Story: TypeAlias = Callable[[World], Iterator[Message]]


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


STORIES: dict[str, tuple[OnData, tuple[Story, ...]]] = {
    "data, then image": (OnData.REUSE, (data_arrives, image_arrives, run_goes_on)),
    "image, then data": (OnData.REUSE, (image_arrives, data_arrives, run_goes_on)),
    "data that asks for a build": (OnData.REBUILD, (data_arrives, rebuilt_image_arrives, run_goes_on)),
}


def play(name: str, interruption: Interruption) -> World:
    """Deliver every message of the story twice, and once more where it was cut off."""
    on_data, chapters = STORIES[name]
    world = World(stage_of(replace(DIGITS, on_data=on_data)))
    ports = interrupted(world.ports, interruption)
    for chapter in chapters:
        for message in chapter(world):
            deliver(message, ports)
            deliver(message, ports)
    return world


def deliver(message: Message, ports: Ports) -> None:
    try:
        message(ports)
    except CutOff:
        message(ports)


@pytest.mark.parametrize("after", [False, True], ids=["before its effect", "after its effect"])
@pytest.mark.parametrize("story", STORIES)
def test_one_run_one_job_one_trail_one_mail(story: str, after: bool) -> None:
    for at in count():
        interruption = Interruption(at, after)
        world = play(story, interruption)
        if not interruption.happened:
            assert at > 40
            break
        check(world, interruption)


def check(world: World, interruption: Interruption) -> None:
    call = interruption.calls[interruption.at]
    run = world.only_run()
    assert run.status is RunStatus.COMPLETED, call
    assert len(world.jobs.requests) == 1, call
    verify(world.store.trail(run.id), run.trail)
    assert world.store.pending_announcements() == (), call
    load = world.store.load("digits", run.requested_at.date())
    assert (load.open_runs, load.started_today) == (0, 1), call
    # The one window in which a mail is sent twice: published, and cut off before that was written down.
    last_done = interruption.calls[interruption.at if interruption.after else interruption.at - 1]
    assert len(world.mailbox.mails) == (2 if last_done == "publish" else 1), call
