"""What the infrastructure breaks is tried again; what the program breaks is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from dropforge.domain.project import GuardRails
from dropforge.domain.run import DelayCause, Run, RunStatus
from dropforge.domain.training_job import JobStatus
from dropforge.domain.training_spec import TrainingSpec
from dropforge.workflow.record_job_state import record_job_state
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.world import DIGITS, World, stage_of

BROKEN = JobEnd(
    JobStatus.FAILED, "Failed", model=None, failure_reason="InternalServerError: We encountered an internal error."
)
NO_CAPACITY = replace(BROKEN, failure_reason="CapacityError: Unable to provision requested ML compute capacity.")
INTERRUPTED = JobEnd(JobStatus.STOPPED, "Interrupted", model=None)


def started(world: World, spec: TrainingSpec | None = None) -> Run:
    world.push(spec=spec)
    world.drop("digits/a")
    world.grow_quiet()
    world.dispatch()
    return world.only_run()


def wait_and_dispatch(world: World) -> Run:
    waiting = world.only_run().waiting
    assert waiting is not None
    world.clock.time = waiting.due
    world.dispatch()
    return world.only_run()


@pytest.mark.parametrize("end", [BROKEN, NO_CAPACITY, INTERRUPTED], ids=["internal error", "capacity", "spot"])
def test_a_job_that_the_infrastructure_ended_is_followed_by_another_attempt_after_a_while(end: JobEnd) -> None:
    world = World()
    run = world.finish(started(world), end)
    assert run.status is RunStatus.WAITING
    assert run.waiting is not None
    assert run.waiting.cause is DelayCause.RETRY
    assert run.waiting.due - world.clock.now() >= timedelta(seconds=15)
    assert world.store.pending_announcements() == ()
    again = wait_and_dispatch(world)
    assert [attempt.job_name[-2:] for attempt in again.attempts] == ["01", "02"]
    assert world.finish(again).status is RunStatus.COMPLETED


def test_a_later_attempt_goes_on_from_the_checkpoints_of_the_one_before() -> None:
    world = World()
    world.finish(started(world, TrainingSpec(checkpoints=True)), BROKEN)
    wait_and_dispatch(world)
    first, second = world.jobs.requests.values()
    assert first.checkpoint_prefix is not None
    assert first.checkpoint_prefix == second.checkpoint_prefix
    assert first.output_prefix != second.output_prefix


def test_attempts_end_at_the_project_s_limit_and_the_run_fails_with_the_last_reason() -> None:
    world = World(stage_of(replace(DIGITS, guard_rails=GuardRails(max_attempts=2))))
    world.finish(started(world), NO_CAPACITY)
    run = world.finish(wait_and_dispatch(world), BROKEN)
    assert run.status is RunStatus.FAILED
    assert run.result is not None
    assert run.result.reason == BROKEN.failure_reason
    assert run.attempts[0].failure == NO_CAPACITY.failure_reason
    world.deliver_announcements()
    assert f"Before      {run.attempts[0].job_name}: CapacityError" in world.mailbox.mails[0][0].body


def test_a_program_s_own_failure_is_not_tried_again() -> None:
    world = World()
    end = JobEnd(JobStatus.FAILED, "Failed", model=None, failure_reason="AlgorithmError: exit code 1")
    assert world.finish(started(world), end).status is RunStatus.FAILED


def test_the_end_of_an_earlier_attempt_that_is_told_again_touches_nothing() -> None:
    world = World()
    waiting = world.finish(started(world), BROKEN)
    name = waiting.attempts[0].job_name
    assert record_job_state(world.ports, name) == waiting
    again = wait_and_dispatch(world)
    assert record_job_state(world.ports, name) == again
    assert again.status is RunStatus.RUNNING


def test_all_attempts_together_are_billed() -> None:
    world = World()
    world.finish(started(world), replace(BROKEN, seconds=100))
    result = world.finish(wait_and_dispatch(world), JobEnd(seconds=260)).result
    assert result is not None
    assert (result.billable_seconds, result.cost_usd) == (360, Decimal("0.0115"))


def test_further_attempts_give_their_place_back_meanwhile_and_count_once_against_the_day() -> None:
    world = World()
    world.finish(started(world), BROKEN)
    day = world.clock.now().date()
    assert world.store.load("digits", day).open_runs == 0
    wait_and_dispatch(world)
    load = world.store.load("digits", day)
    assert (load.open_runs, load.started_today) == (1, 1)
