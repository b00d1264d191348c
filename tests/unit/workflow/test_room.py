"""What AWS refused is remembered, so that it is not asked in vain again and again."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

from dropforge.domain.congestion import EVERY_TYPE
from dropforge.domain.project import GuardRails
from dropforge.domain.run import RunStatus
from dropforge.domain.training_job import JobRequest
from dropforge.domain.training_spec import Compute, TrainingSpec
from dropforge.workflow.pause_project import pause_project
from dropforge.workflow.ports import BusyError
from dropforge.workflow.record_job_state import record_job_state
from dropforge.workflow.room import PATIENCE
from dropforge.workflow.run_project import RunOrder, run_project
from dropforge.workflow.stop_run import stop_run
from tests.fakes.memory_jobs import JobEnd, MemoryJobs
from tests.fakes.world import DIGITS, START, ManualClock, World, stage_of

ROOMY = GuardRails(instance_types=("ml.*",), concurrent_runs=50, runs_per_day=1000)
QUOTA = 8


def full(runs: int) -> World:
    """Many runs wait, the limits of the stage would let all of them start, and the account's quota a few."""
    world = World(stage_of(replace(DIGITS, guard_rails=ROOMY), concurrent_runs=50))
    world.jobs.quota["ml.m5.large"] = QUOTA
    world.push()
    world.drop("digits/a")
    world.grow_quiet()
    for number in range(1, runs):
        world.clock.pass_by(seconds=1)
        run_project(world.ports, RunOrder("digits", "ada", {"seed": str(number)}))
    return world


def train_all(world: World) -> None:
    """A minute later all jobs that run have ended, and each end wakes the dispatcher."""
    for _ in range(10_000):
        world.dispatch()
        if all(run.status.is_terminal for run in world.store.runs.values()):
            return
        world.clock.pass_by(minutes=1)
        for name in world.jobs.running():
            world.jobs.end(name, JobEnd())
            record_job_state(world.ports, name)
            world.dispatch()
    raise AssertionError("some run never ended")


def test_while_the_quota_is_full_nothing_is_asked_for_until_a_job_has_ended() -> None:
    world = full(20)
    for _ in range(5):
        world.dispatch()
    assert world.jobs.creations == QUOTA + 1
    (name, *_) = world.jobs.running()
    world.jobs.end(name, JobEnd())
    record_job_state(world.ports, name)
    for _ in range(5):
        world.dispatch()
    assert world.jobs.creations == QUOTA + 2
    assert len(world.jobs.running()) == QUOTA


def test_a_full_quota_costs_few_requests_in_vain() -> None:
    world = full(100)
    train_all(world)
    assert len(world.jobs.requests) == 100
    assert world.jobs.creations <= 110


class UnsteadyJobs(MemoryJobs):
    """Refuses three requests of ten, at random."""

    dice = random.Random(20260131)  # noqa: S311  (no secret: the same dice each time)

    def create(self, job: JobRequest) -> str:
        if self.dice.random() < 0.3:
            self.creations += 1
            raise BusyError("Rate exceeded", throttled=True)
        return super().create(job)


def test_with_three_requests_of_ten_throttled_every_job_takes_less_than_one_and_a_half() -> None:
    world = full(400)
    jobs = UnsteadyJobs(world.clock, world.bucket)
    jobs.quota, jobs.descriptions, jobs.requests = world.jobs.quota, world.jobs.descriptions, world.jobs.requests
    world.jobs, world.ports = jobs, replace(world.ports, jobs=jobs, logs=jobs)
    train_all(world)
    assert len(jobs.requests) == 400
    assert jobs.creations <= 1.5 * 400


class ThrottledAtFirst(MemoryJobs):
    """Takes no request before some time."""

    takes_from = START

    def create(self, job: JobRequest) -> str:
        self.throttled = self._clock.now() < self.takes_from
        return super().create(job)


def throttled_for(world: World, seconds: float) -> ThrottledAtFirst:
    jobs = ThrottledAtFirst(world.ports.clock, world.bucket)
    jobs.takes_from = world.ports.clock.now() + timedelta(seconds=seconds)
    world.jobs, world.ports = jobs, replace(world.ports, jobs=jobs, logs=jobs)
    return jobs


def test_throttling_that_is_over_soon_is_waited_out_by_the_pass_that_met_it() -> None:
    world = full(5)
    jobs, began = throttled_for(world, seconds=3), world.clock.now()
    world.dispatch()
    refused = jobs.creations - len(jobs.running())
    assert 1 <= refused <= 3
    assert len(jobs.running()) == 5 - refused
    assert world.clock.now() - began < PATIENCE
    world.clock.pass_by(minutes=1)
    world.dispatch()
    assert len(jobs.running()) == 5


def test_throttling_that_lasts_is_left_to_later_passes_each_of_which_asks_less_often() -> None:
    world = full(40)
    jobs, asked = throttled_for(world, seconds=3600), []
    for _ in range(12):
        before, began = jobs.creations, world.clock.now()
        world.dispatch()
        asked.append(jobs.creations - before)
        assert world.clock.now() - began <= PATIENCE
        world.clock.pass_by(minutes=1)
    assert asked[0] <= 5
    assert max(asked[1:]) <= 2
    assert sum(asked) <= 12


def test_a_run_that_is_stopped_while_the_pass_waits_gets_no_job() -> None:
    world = full(2)
    first, second = sorted(world.store.runs.values(), key=lambda run: run.requested_at)

    class Meanwhile(ManualClock):
        def wait(self, length: timedelta) -> None:
            super().wait(length)
            stop_run(world.ports, second.id, "ada")

    world.ports = replace(world.ports, clock=Meanwhile(world.clock.time))
    throttled_for(world, seconds=1)
    world.dispatch()
    assert world.run(first.id).status is RunStatus.WAITING
    assert world.run(second.id).status is RunStatus.STOPPED
    assert world.jobs.requests == {}


def test_a_project_that_is_paused_while_the_pass_waits_starts_nothing_more() -> None:
    world = full(3)

    class Meanwhile(ManualClock):
        def wait(self, length: timedelta) -> None:
            super().wait(length)
            pause_project(world.ports, "digits", "ada")

    world.ports = replace(world.ports, clock=Meanwhile(world.clock.time))
    throttled_for(world, seconds=1)
    world.dispatch()
    assert world.jobs.requests == {}
    assert {run.status for run in world.store.runs.values()} == {RunStatus.WAITING}


def test_a_request_that_succeeds_forgets_what_was_throttled() -> None:
    world = full(2)
    world.jobs.throttled = True
    world.dispatch()
    assert [note.scope for note in world.store.congestion()] == [EVERY_TYPE]
    world.jobs.throttled = False
    world.clock.pass_by(minutes=1)
    world.dispatch()
    assert world.store.congestion() == ()


def test_when_the_quota_was_raised_it_is_found_out() -> None:
    world = full(20)
    world.dispatch()
    world.jobs.quota["ml.m5.large"] = 12
    world.clock.pass_by(minutes=15)
    world.dispatch()
    assert len(world.jobs.running()) == 12


def test_behind_a_type_without_room_another_type_starts() -> None:
    world = full(12)
    world.dispatch()
    world.push(commit="c2", spec=TrainingSpec(Compute("ml.m5.xlarge")))
    world.dispatch()
    (other,) = world.store.runs_of_commit("c2", 10)
    assert other.status is RunStatus.RUNNING


def test_the_first_that_finds_no_room_says_so_for_all_and_once() -> None:
    world = full(15)
    world.dispatch()
    for _ in range(3):
        world.clock.pass_by(seconds=1)
        world.dispatch()
    reasons = [run.waiting.reason for run in world.store.runs.values() if run.waiting is not None]
    assert reasons.count("AWS has no room for another ml.m5.large now") == 1
    assert max(len(world.store.trail(run.id)) for run in world.store.runs.values()) <= 3
