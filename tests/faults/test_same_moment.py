"""Two things at the very same moment, or one that was cut off at the worst."""

from __future__ import annotations

from functools import partial
from itertools import count

from dropforge.domain.job_request import TAG_REQUESTED_AT
from dropforge.domain.project import OnData
from dropforge.domain.run import RunStatus
from dropforge.domain.training_job import JobStatus
from dropforge.workflow.dispatch_runs import dispatch_runs
from dropforge.workflow.seal_dataset import Turn, seal_dataset
from dropforge.workflow.stop_run import stop_run
from tests.fakes.interruption import Interruption, interrupted
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.world import World
from tests.faults.histories import HISTORIES, SEAL, as_far_as
from tests.faults.rest import come_to_rest


def with_a_run_in_line() -> World:
    world = World()
    world.push()
    world.drop("digits/a")
    world.grow_quiet()
    return world


def test_a_run_that_is_stopped_while_the_dispatcher_admits_it_ends_and_leaves_no_job_running() -> None:
    for at in count():
        world = with_a_run_in_line()
        run = world.only_run()
        interruption = Interruption(at, after=False, strike=partial(stop_run, world.ports, run.id, "ada"))
        dispatch_runs(interrupted(world.ports, interruption))
        if not interruption.happened:
            break
        for name in world.jobs.running():
            assert world.jobs.descriptions[name].state.status is JobStatus.STOPPING, interruption.calls[at]
            world.jobs.end(name, JobEnd(JobStatus.STOPPED, "Stopped", model=None))
        come_to_rest(world)
        assert world.run(run.id).status is RunStatus.STOPPED, interruption.calls[at]
    assert at > 5


def test_a_job_of_the_same_run_in_a_stage_that_was_removed_is_a_strangers() -> None:
    world = with_a_run_in_line()
    as_far_as("create", dispatch_runs, world)
    (request,) = world.jobs.requests.values()
    world.jobs.foreign_tags[request.name] = {**request.tags, TAG_REQUESTED_AT: "2025-01-01T00:00:00.000000Z"}
    world.dispatch()
    assert world.only_run().status is RunStatus.HELD


def test_of_two_functions_that_are_woken_for_the_same_data_one_copies() -> None:
    for at in count():
        world = World()
        for key in ("digits/a", "digits/b"):
            world.drop(key)
        world.clock.pass_by(seconds=61)
        other = partial(seal_dataset, world.ports, "digits", turn=Turn("other"))
        interruption = Interruption(at, after=False, strike=other)
        seal_dataset(interrupted(world.ports, interruption), "digits", turn=Turn("one"))
        assert len(world.bucket.copies) == 2, interruption.calls[at]
        if not interruption.happened:
            break
    assert at > 5


def test_data_that_became_the_head_has_its_run_though_the_function_was_killed_and_other_data_followed() -> None:
    world = World()
    world.push()
    world.drop("digits/a")
    world.clock.pass_by(seconds=61)
    as_far_as("advance_data", SEAL, world)
    world.drop("digits/b")
    world.clock.pass_by(minutes=16)
    SEAL(world.ports)
    assert sorted(run.dataset.objects for run in world.store.runs.values()) == [1, 2]


def test_a_build_for_data_is_started_once_though_the_pipeline_has_forgotten_the_token() -> None:
    world = HISTORIES["data-that-asks-for-a-build"].world()
    assert world.ports.stage.project("digits").on_data is OnData.REBUILD
    world.grow_quiet()
    started = dict(world.builds.executions)
    world.builds.rebuilds.clear()
    world.drop("digits/b", b"")
    world.delete("digits/b")
    world.grow_quiet()
    assert world.builds.executions == started
