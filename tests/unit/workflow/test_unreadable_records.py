"""A record that somebody broke, or that was written by a release that nobody knows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dropforge.domain.announcement import Outcome
from dropforge.domain.project import GuardRails, Patience
from dropforge.domain.run import RunStatus
from dropforge.workflow.dispatch_runs import DispatchIncompleteError
from dropforge.workflow.list_runs import RunFilter, list_runs, list_unreadable_runs
from dropforge.workflow.look_at_waiting import look_at_waiting
from dropforge.workflow.resume_project import resume_project
from dropforge.workflow.run_project import RunOrder, run_project
from tests.fakes.world import DIGITS, World, stage_of


def two_runs(world: World) -> tuple[str, str]:
    """The first one's record cannot be read."""
    world.push()
    world.drop("digits/a")
    world.grow_quiet()
    broken = world.only_run()
    world.clock.pass_by(seconds=1)
    whole = run_project(world.ports, RunOrder("digits", "ada", {"seed": "2"}))
    world.store.unreadable.add(broken.id)
    return broken.id, whole.id


@pytest.mark.parametrize("latest_wins", [False, True])
def test_it_keeps_no_other_run_from_starting(*, latest_wins: bool) -> None:
    world = World(stage_of(replace(DIGITS, latest_wins=latest_wins)))
    broken, whole = two_runs(world)
    with pytest.raises(DispatchIncompleteError, match=f"run {broken}"):
        world.dispatch()
    assert world.run(whole).status is RunStatus.RUNNING


def test_it_is_left_out_of_the_list_and_named() -> None:
    world = World()
    broken, whole = two_runs(world)
    assert [run.id for run in list_runs(world.ports, RunFilter(), 20).runs] == [whole]
    assert [ref.id for ref in list_unreadable_runs(world.ports, "digits", 20)] == [broken]


@pytest.mark.parametrize("limit", [1, 2, 3, 20])
def test_whole_pages_of_them_end_no_list(limit: int) -> None:
    world = World()
    _, whole = two_runs(world)
    for number in range(4):
        world.clock.pass_by(seconds=1)
        world.store.unreadable.add(run_project(world.ports, RunOrder("digits", "ada", {"seed": f"1{number}"})).id)
    assert [run.id for run in list_runs(world.ports, RunFilter(), limit).runs] == [whole]


def test_it_keeps_no_mail_from_being_sent() -> None:
    world = World()
    broken, whole = two_runs(world)
    with pytest.raises(DispatchIncompleteError):
        world.dispatch()
    world.finish(world.run(whole))
    world.deliver_announcements()
    assert [announcement.outcome for _, announcement in world.mailbox.mails] == [Outcome.COMPLETED]
    assert broken not in world.mailbox.mails[0][0].body


def test_it_keeps_no_other_run_that_waits_too_long_from_being_told_of() -> None:
    world = World(stage_of(replace(DIGITS, waiting=Patience(tell_after_minutes=1))))
    _, whole = two_runs(world)
    world.clock.pass_by(minutes=2)
    for _, look in look_at_waiting(world.ports):
        look()
    assert world.run(whole).told_late == (Outcome.WAITING,)


def test_it_keeps_no_other_run_from_being_released() -> None:
    world = World(stage_of(replace(DIGITS, guard_rails=GuardRails(instance_types=("ml.c5.large",)))))
    world.push()
    world.drop("digits/a")
    world.grow_quiet()
    broken = world.only_run()
    whole = run_project(world.ports, RunOrder("digits", "ada", {"seed": "2"}))
    world.dispatch()
    world.store.unreadable.add(broken.id)
    assert [run.id for run in resume_project(world.ports, "digits", "ops")] == [whole.id]
