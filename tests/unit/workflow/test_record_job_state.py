from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from dropforge.domain.project import GuardRails
from dropforge.domain.run import Run, RunStatus
from dropforge.domain.training_job import JobStatus, job_name
from dropforge.workflow.record_job_state import UnknownRunError, record_job_state
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.world import DIGITS, World, stage_of


def running(world: World) -> Run:
    world.push()
    world.drop("digits/a")
    world.grow_quiet()
    world.dispatch()
    return world.only_run()


def test_what_sagemaker_says_now_is_recorded_whatever_the_message_said() -> None:
    world = World()
    run = running(world)
    world.clock.pass_by(seconds=5)
    world.jobs.progress(run.attempts[0].job_name, "Training")
    record_job_state(world.ports, run.attempts[0].job_name)
    state = world.only_run().attempts[0].state
    assert state is not None
    assert (state.status, state.secondary) == (JobStatus.IN_PROGRESS, "Training")


def test_a_completed_run_has_metrics_model_time_cost_and_place() -> None:
    world = World()
    end = JobEnd(metrics={"accuracy": Decimal("0.97")}, seconds=360, log=("epoch 1", "accuracy=0.97"))
    run = world.finish(running(world), end)
    result = run.result
    assert run.status is RunStatus.COMPLETED
    assert result is not None
    assert result.metrics == {"accuracy": Decimal("0.97")}
    assert result.model is not None
    assert result.model.uri == f"s3://artifact-bucket/runs/{run.id}/01/model.tar.gz"
    assert (result.billable_seconds, result.cost_usd) == (360, Decimal("0.0115"))
    assert (result.where, result.log_tail) == ("memory", ("epoch 1", "accuracy=0.97"))


def test_a_failed_run_has_its_reason_and_the_last_lines() -> None:
    world = World()
    log = tuple(f"line {n}" for n in range(30))
    end = JobEnd(JobStatus.FAILED, "Failed", model=None, failure_reason="AlgorithmError: exit code 1", log=log)
    run = world.finish(running(world), end)
    assert run.status is RunStatus.FAILED
    assert run.result is not None
    assert run.result.reason == "AlgorithmError: exit code 1"
    assert run.result.log_tail == log[-20:]
    assert run.result.model is None


def test_a_time_out_is_told_as_one() -> None:
    world = World()
    run = world.finish(running(world), JobEnd(JobStatus.STOPPED, "MaxRuntimeExceeded"))
    assert run.status is RunStatus.STOPPED
    assert run.result is not None
    assert run.result.reason == "stopped at its limit of 60 minutes (stopping.max_runtime_minutes)"


def test_the_end_told_three_times_is_recorded_once_and_wakes_the_dispatcher_each_time() -> None:
    world = World()
    run = world.finish(running(world))
    before = world.wakeups.dispatches
    for _ in range(2):
        assert record_job_state(world.ports, run.attempts[0].job_name) == run
    assert world.wakeups.dispatches == before + 2
    assert len(world.store.pending_announcements()) == 1


def test_an_end_that_is_told_before_the_start_was_written_down_is_recorded() -> None:
    world = World()
    started = running(world)
    unwritten = replace(started, status=RunStatus.STARTING, attempts=(replace(started.attempts[0], job_arn=None),))
    world.store.runs[started.id] = unwritten
    assert world.finish(unwritten).status is RunStatus.COMPLETED
    world.dispatch()
    assert world.only_run().status is RunStatus.COMPLETED
    assert len(world.jobs.requests) == 1


def test_a_strangers_job_of_the_intended_name_is_not_taken_for_the_runs() -> None:
    world = World()
    started = running(world)
    name = started.attempts[0].job_name
    world.jobs.foreign_tags[name] = {}
    unwritten = replace(started, status=RunStatus.STARTING, attempts=(replace(started.attempts[0], job_arn=None),))
    world.store.runs[started.id] = unwritten
    world.jobs.end(name, JobEnd())
    record_job_state(world.ports, name)
    assert world.only_run().status is RunStatus.STARTING
    world.dispatch()
    assert world.only_run().status is RunStatus.HELD


def test_a_log_line_without_end_does_not_burst_the_record() -> None:
    world = World()
    result = world.finish(running(world), JobEnd(log=("x" * 100_000,))).result
    assert result is not None
    assert [len(line) for line in result.log_tail] == [500]


def test_a_job_that_somebody_deleted_fails_its_run_with_the_reason() -> None:
    world = World()
    run = running(world)
    world.jobs.delete(run.attempts[0].job_name)
    recorded = record_job_state(world.ports, run.attempts[0].job_name)
    assert recorded is not None
    assert recorded.status is RunStatus.FAILED
    assert recorded.result is not None
    assert "was deleted" in (recorded.result.reason or "")


def test_an_instance_type_without_a_price_states_no_cost() -> None:
    world = World()
    world.ports = replace(world.ports, stage=replace(world.ports.stage, prices=None))
    result = world.finish(running(world)).result
    assert result is not None
    assert result.cost_usd is None


def test_another_deployments_job_is_none_of_our_business() -> None:
    world = World()
    assert record_job_state(world.ports, job_name("dropforge-test-2", "0" * 20, 1)) is None


def test_a_job_of_our_name_without_a_run_is_kept_for_people_to_look_at() -> None:
    world = World()
    with pytest.raises(UnknownRunError, match="look who created it"):
        record_job_state(world.ports, job_name("dropforge-test", "0" * 20, 1))


@pytest.mark.parametrize("ended", [False, True])
def test_an_event_that_is_faster_than_the_dispatcher_leaves_the_jobs_arn_and_start_on_record(*, ended: bool) -> None:
    world = World()
    run = running(world)
    (attempt,) = run.attempts
    unwritten = replace(attempt, job_arn=None, started_at=None)
    world.store.runs[run.id] = replace(run, status=RunStatus.STARTING, attempts=(unwritten,))
    if ended:
        world.jobs.end(attempt.job_name, JobEnd())
    record_job_state(world.ports, attempt.job_name)
    after = world.only_run()
    assert after.status is (RunStatus.COMPLETED if ended else RunStatus.RUNNING)
    assert after.attempts[0].job_arn == attempt.job_arn
    assert after.attempts[0].started_at == world.clock.now()


def test_the_end_of_the_wait_for_spot_instances_is_told_as_a_time_out() -> None:
    world = World(stage_of(replace(DIGITS, guard_rails=GuardRails(max_attempts=1))))
    run = world.finish(running(world), JobEnd(JobStatus.STOPPED, "MaxWaitTimeExceeded", model=None))
    assert run.result is not None
    assert "stopping.max_wait_minutes" in (run.result.reason or "")


def test_a_run_whose_model_takes_too_long_to_hash_ends_all_the_same_and_says_what_is_not_known() -> None:
    world = World()
    run = running(world)
    world.bucket.while_reading = lambda: world.clock.pass_by(minutes=2)
    run = world.finish(run, JobEnd(model=b"large"))
    assert run.status is RunStatus.COMPLETED
    assert run.result is not None
    assert run.result.model is not None
    assert (run.result.model.size, run.result.model.sha256) == (5, None)
