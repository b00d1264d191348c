"""What people ask for by hand: a run, a list, one run by the beginning of its name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dropforge.domain.errors import UnknownProjectError
from dropforge.domain.run import RequesterKind
from dropforge.domain.training_spec import InvalidSpecError
from dropforge.workflow.find_run import RunNotFoundError, find_run
from dropforge.workflow.list_runs import RunFilter, list_runs
from dropforge.workflow.pause_project import pause_project
from dropforge.workflow.project_status import project_status
from dropforge.workflow.run_project import NothingToTrainError, RunOrder, run_project
from tests.fakes.world import World


def ready() -> World:
    world = World()
    world.push()
    world.drop("digits/a")
    world.grow_quiet()
    return world


def test_a_parameter_can_be_tried_without_a_commit() -> None:
    world = ready()
    run = run_project(world.ports, RunOrder("digits", "ada", {"epochs": "80"}))
    assert run.spec.hyperparameters["epochs"] == "80"
    assert (run.requester.kind, run.requester.name) == (RequesterKind.USER, "ada")
    assert len(world.store.runs) == 2


def test_what_was_run_already_is_not_run_again() -> None:
    world = ready()
    assert run_project(world.ports, RunOrder("digits", "ada")) == world.only_run()


def test_an_earlier_image_and_earlier_data_can_be_asked_for() -> None:
    world = ready()
    first = world.only_run()
    world.push(commit="c2")
    world.drop("digits/b")
    world.grow_quiet()
    order = RunOrder("digits", "ada", {"x": "1"}, first.dataset.version, first.image.digest)
    run = run_project(world.ports, order)
    assert (run.image, run.dataset) == (first.image, first.dataset)


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        (RunOrder("digits", "ada", dataset_version="sha256:0"), "digits has no dataset version sha256:0"),
        (RunOrder("digits", "ada", image_digest="sha256:0"), "digits has no image sha256:0: push a commit to"),
    ],
)
def test_what_is_not_there_is_said(order: RunOrder, sentence: str) -> None:
    with pytest.raises(NothingToTrainError, match=sentence):
        run_project(ready().ports, order)


def test_an_empty_project_says_what_it_lacks() -> None:
    with pytest.raises(NothingToTrainError, match="digits has no image yet: push a commit to example/digits"):
        run_project(World().ports, RunOrder("digits", "ada"))


def test_a_parameter_that_sagemaker_would_not_take_is_refused_at_once() -> None:
    with pytest.raises(InvalidSpecError, match="longer than 2500"):
        run_project(ready().ports, RunOrder("digits", "ada", {"a": "x" * 2501}))


def test_runs_are_listed_the_newest_first() -> None:
    world = ready()
    first = world.only_run()
    world.clock.pass_by(seconds=1)
    second = run_project(world.ports, RunOrder("digits", "ada", {"epochs": "80"}))
    assert [run.id for run in list_runs(world.ports, RunFilter(), 10)] == [second.id, first.id]
    assert [run.id for run in list_runs(world.ports, RunFilter("digits"), 1)] == [second.id]


def test_a_run_is_found_by_the_beginning_of_its_id() -> None:
    world = ready()
    run = world.only_run()
    assert find_run(world.ports, run.id[:4]) == run
    assert find_run(world.ports, run.id) == run


@pytest.mark.parametrize("prefix", ["0000", "abc", "ABCD", "../../x"])
def test_what_names_no_run_is_answered_with_what_to_do(prefix: str) -> None:
    with pytest.raises(RunNotFoundError, match="dropforge runs"):
        find_run(World().ports, prefix)


def test_a_beginning_that_several_runs_share_is_answered_with_them() -> None:
    world = ready()
    run = world.only_run()
    twin = run.id[:4] + "0" * 16
    world.store.runs[twin] = replace(run, id=twin)
    with pytest.raises(RunNotFoundError, match="give more of its digits"):
        find_run(world.ports, run.id[:4])


def test_the_status_of_a_project_says_what_it_has_and_what_keeps_it() -> None:
    world = ready()
    world.drop("digits/b")
    pause = pause_project(world.ports, "digits", "ops")
    status = project_status(world.ports, "digits")
    assert (status.waits_for, status.pause) == (None, pause)
    assert status.seal is not None


def test_a_project_that_is_not_declared_is_answered_with_where_to_declare_it() -> None:
    with pytest.raises(UnknownProjectError, match="declare it in the stage's config"):
        project_status(World().ports, "digitz")
