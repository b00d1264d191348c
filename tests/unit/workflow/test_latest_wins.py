"""Where a project says `latest_wins`, what still waits gives way to what is newer."""

from __future__ import annotations

from dataclasses import replace

from dropforge.domain.project import GuardRails
from dropforge.domain.run import Run, RunStatus
from dropforge.domain.training_job import JobStatus
from dropforge.domain.training_spec import Compute, TrainingSpec
from dropforge.workflow.register_image import register_image
from dropforge.workflow.run_project import RunOrder, run_project
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.world import DIGITS, World, stage_of

ONE_AT_A_TIME = GuardRails(concurrent_runs=1)
LATEST_WINS = replace(DIGITS, latest_wins=True, guard_rails=ONE_AT_A_TIME)


def busy(world: World) -> World:
    """One run trains, so all others wait."""
    world.push(commit="c0")
    world.drop("digits/a")
    world.grow_quiet()
    world.dispatch()
    return world


def by_commit(world: World) -> dict[str, Run]:
    return {run.image.commit: run for run in world.store.runs.values()}


def test_a_waiting_run_gives_way_to_a_newer_one_and_its_record_says_to_which() -> None:
    world = busy(World(stage_of(LATEST_WINS)))
    world.push(commit="c1")
    world.push(commit="c2")
    world.dispatch()
    runs = by_commit(world)
    assert [runs[commit].status for commit in ("c0", "c1", "c2")] == [
        RunStatus.RUNNING,
        RunStatus.SUPERSEDED,
        RunStatus.WAITING,
    ]
    assert runs["c1"].superseded_by == runs["c2"].id
    world.deliver_announcements()
    told = f"[dropforge] digits superseded: run {runs['c2'].id[:12]} took its place"
    assert [each for each in world.mailbox.subjects if " waiting: " not in each] == [told]


def test_newer_data_supersedes_as_a_newer_image_does() -> None:
    world = busy(World(stage_of(LATEST_WINS)))
    for key in ("digits/b", "digits/c"):
        world.drop(key)
        world.grow_quiet()
    world.dispatch()
    runs = sorted(world.store.runs.values(), key=lambda run: run.dataset.objects)
    assert [run.status for run in runs] == [RunStatus.RUNNING, RunStatus.SUPERSEDED, RunStatus.WAITING]


def test_of_two_builds_that_finish_out_of_order_the_older_gives_way() -> None:
    world = busy(World(stage_of(LATEST_WINS)))
    older = world.built(commit="c1")
    newer = world.built(commit="c2")
    register_image(world.ports, newer)
    world.clock.pass_by(seconds=5)
    register_image(world.ports, older)
    world.dispatch()
    runs = by_commit(world)
    assert (runs["c1"].status, runs["c2"].status) == (RunStatus.SUPERSEDED, RunStatus.WAITING)
    head = world.store.head("digits").image
    assert head is not None
    assert head.commit == "c2"


def data_that_went_back(world: World) -> tuple[Run, Run]:
    """Two objects, then a third, which is deleted again: the run on the two, and the one on the three."""
    world.drop("digits/b")
    world.grow_quiet()
    world.dispatch()
    world.drop("digits/c")
    world.grow_quiet()
    world.dispatch()
    world.delete("digits/c")
    world.grow_quiet()
    world.dispatch()
    _, two, three = sorted(world.store.runs.values(), key=lambda run: run.dataset.objects)
    return two, three


def test_data_that_goes_back_to_what_it_was_trains_and_what_came_between_gives_way() -> None:
    world = busy(World(stage_of(LATEST_WINS)))
    two, three = data_that_went_back(world)
    assert (two.status, two.superseded_by) == (RunStatus.WAITING, None)
    assert (three.status, three.superseded_by) == (RunStatus.SUPERSEDED, two.id)


def test_data_that_goes_back_before_anybody_looked_keeps_its_run_in_line() -> None:
    world = busy(World(stage_of(LATEST_WINS)))
    for change in (lambda: world.drop("digits/b"), lambda: world.drop("digits/c"), lambda: world.delete("digits/c")):
        change()
        world.grow_quiet()
    world.dispatch()
    runs = sorted(world.store.runs.values(), key=lambda run: run.dataset.objects)
    assert [run.status for run in runs] == [RunStatus.RUNNING, RunStatus.WAITING, RunStatus.SUPERSEDED]


def test_a_message_that_comes_again_does_not_bring_back_what_was_superseded() -> None:
    world = busy(World(stage_of(LATEST_WINS)))
    older = world.built(commit="c1")
    register_image(world.ports, older)
    world.push(commit="c2")
    world.dispatch()
    register_image(world.ports, older)
    assert by_commit(world)["c1"].status is RunStatus.SUPERSEDED


def test_an_image_that_is_built_again_after_another_takes_its_place_back() -> None:
    world = busy(World(stage_of(LATEST_WINS)))
    for commit in ("c1", "c2"):
        world.push(commit=commit)
        world.dispatch()
    register_image(world.ports, world.built(commit="c1-reverted", content="c1"))
    world.dispatch()
    runs = by_commit(world)
    assert (runs["c1"].status, runs["c2"].status) == (RunStatus.WAITING, RunStatus.SUPERSEDED)


def test_a_superseded_run_that_somebody_asks_for_by_hand_trains() -> None:
    world = busy(World(stage_of(LATEST_WINS)))
    superseded, newer = data_that_went_back(world)[::-1]
    order = RunOrder("digits", "ada", dataset_version=superseded.dataset.version)
    assert run_project(world.ports, order).status is RunStatus.WAITING
    world.dispatch()
    assert {world.run(each.id).status for each in (superseded, newer)} == {RunStatus.WAITING}


def test_a_newer_run_that_the_guard_rails_hold_takes_nobodys_place() -> None:
    world = busy(World(stage_of(LATEST_WINS)))
    world.push(commit="c1")
    world.push(commit="c2", spec=TrainingSpec(compute=Compute(instance_type="ml.p4d.24xlarge")))
    world.dispatch()
    world.finish(by_commit(world)["c0"])
    world.dispatch()
    assert by_commit(world)["c1"].status is RunStatus.RUNNING


def test_a_newer_run_that_failed_takes_nobodys_place() -> None:
    world = busy(World(stage_of(replace(LATEST_WINS, guard_rails=GuardRails(concurrent_runs=2)))))
    older = world.built(commit="c1")
    world.push(commit="c2")
    world.dispatch()
    world.finish(by_commit(world)["c2"], JobEnd(JobStatus.FAILED, "Failed", model=None, failure_reason="exit code 1"))
    register_image(world.ports, older)
    world.dispatch()
    assert by_commit(world)["c1"].status is RunStatus.RUNNING


def test_what_somebody_asked_for_by_hand_neither_gives_way_nor_takes_a_place() -> None:
    world = busy(World(stage_of(LATEST_WINS)))
    pushed = world.push(commit="c1").run
    assert pushed is not None
    by_hand = run_project(world.ports, RunOrder("digits", "ada", {"epochs": "80"}))
    world.dispatch()
    assert world.run(pushed.id).status is RunStatus.WAITING
    world.push(commit="c2")
    world.dispatch()
    assert world.run(pushed.id).status is RunStatus.SUPERSEDED
    assert world.run(by_hand.id).status is RunStatus.WAITING


def test_what_trains_already_goes_on() -> None:
    world = busy(World(stage_of(LATEST_WINS)))
    world.push(commit="c1")
    world.dispatch()
    assert by_commit(world)["c0"].status is RunStatus.RUNNING


def test_without_latest_wins_every_run_keeps_its_turn() -> None:
    world = busy(World(stage_of(replace(LATEST_WINS, latest_wins=False))))
    world.push(commit="c1")
    world.push(commit="c2")
    world.dispatch()
    assert {run.status for run in world.store.runs.values()} == {RunStatus.RUNNING, RunStatus.WAITING}
