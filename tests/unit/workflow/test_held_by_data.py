"""Runs that their own data holds back: no resumption alone can cure them."""

from __future__ import annotations

from dropforge.domain.run import Run, RunStatus
from dropforge.domain.training_spec import InputMode, TrainingSpec
from dropforge.workflow.resume_project import resume_project
from dropforge.workflow.run_project import RunOrder, run_project
from tests.fakes.world import World

READS_TEST = TrainingSpec(channels={"training": InputMode.FILE, "test": InputMode.FILE})


def held(world: World) -> Run:
    world.push(spec=READS_TEST)
    world.drop("digits/training/a")
    world.grow_quiet()
    world.dispatch()
    run = world.only_run()
    assert run.status is RunStatus.HELD
    return run


def test_the_missing_channels_data_makes_a_fresh_run_by_itself() -> None:
    world = World()
    lacking = held(world)
    world.drop("digits/test/b")
    world.grow_quiet()
    world.dispatch()
    (fresh,) = (run for run in world.store.runs.values() if run.id != lacking.id)
    assert fresh.status is RunStatus.RUNNING
    assert fresh.dataset.channels.keys() == {"training", "test"}
    assert world.run(lacking.id).status is RunStatus.HELD


def test_the_mail_of_a_run_that_its_data_holds_back_says_what_to_do() -> None:
    world = World()
    held(world)
    world.deliver_announcements()
    body = world.mailbox.mails[0][0].body
    assert "Put objects under digits/test/, or mend dropforge.yaml and push." in body
    assert "`dropforge resume digits` puts that in this one's place" in body


def test_resuming_puts_the_run_on_the_latest_data_in_the_held_ones_place() -> None:
    world = World()
    lacking = held(world)
    world.drop("digits/test/b")
    world.grow_quiet()
    (fresh,) = resume_project(world.ports, "digits", "ops")
    after = world.run(lacking.id)
    assert (after.status, after.superseded_by) == (RunStatus.SUPERSEDED, fresh.id)
    assert after.result is not None
    assert "the training spec reads channel test" in (after.result.reason or "")
    assert len(world.store.runs) == 2
    world.dispatch()
    assert world.run(fresh.id).status is RunStatus.RUNNING


def test_who_asked_by_hand_gets_their_own_parameters_on_the_latest_data() -> None:
    world = World()
    held(world)
    asked = run_project(world.ports, RunOrder("digits", "ada", {"epochs": "80"}))
    world.dispatch()
    world.drop("digits/test/b")
    world.grow_quiet()
    resume_project(world.ports, "digits", "ops")
    superseded = world.run(asked.id)
    assert superseded.superseded_by is not None
    fresh = world.run(superseded.superseded_by)
    assert fresh.spec.hyperparameters == {"epochs": "80"}
    assert fresh.dataset.channels.keys() == {"training", "test"}


def test_while_the_latest_data_lacks_the_channel_too_the_run_is_held_again() -> None:
    world = World()
    run = held(world)
    assert [each.id for each in resume_project(world.ports, "digits", "ops")] == [run.id]
    world.dispatch()
    assert world.only_run().status is RunStatus.HELD
