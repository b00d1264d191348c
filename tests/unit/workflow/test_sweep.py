from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dropforge.domain.errors import DropforgeError
from dropforge.domain.run import RunStatus
from dropforge.workflow.run_project import RunOrder, run_project
from dropforge.workflow.sweep import SweepIncompleteError, sweep
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.world import Mailbox, World


def running(count: int = 1) -> World:
    world = World()
    world.push()
    world.drop("digits/a")
    world.grow_quiet()
    for number in range(1, count):
        run_project(world.ports, RunOrder("digits", "ada", {"seed": str(number)}))
    world.dispatch()
    return world


def test_a_job_that_ended_unseen_is_found_and_told_of() -> None:
    world = running()
    world.jobs.end(world.only_run().attempts[0].job_name, JobEnd())
    sweep(world.ports)
    assert world.only_run().status is RunStatus.COMPLETED
    sweep(world.ports)
    assert len(world.mailbox.mails) == 1


def test_a_lost_wake_up_of_the_dispatcher_and_of_the_sealing_is_made_good() -> None:
    world = World()
    world.drop("digits/a")
    world.clock.pass_by(seconds=60)
    world.wakeups.seals.clear()
    sweep(world.ports)
    assert world.wakeups.dispatches == 1
    assert world.wakeups.seals == [("digits", timedelta(0))]


def test_what_fails_for_one_is_still_done_for_the_others_and_then_told() -> None:
    world = running(2)
    for run in world.store.runs.values():
        world.jobs.end(run.attempts[0].job_name, JobEnd())
    sweep(world.ports)
    with pytest.raises(SweepIncompleteError, match=r"announcement of .*: the topic is gone.*; announcement of "):
        sweep(replace(world.ports, announcer=Mailbox(refusal=DropforgeError("the topic is gone: deploy again"))))
    assert all(run.status is RunStatus.COMPLETED for run in world.store.runs.values())
