from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dropforge.domain.announcement import Outcome
from dropforge.domain.project import GuardRails
from dropforge.domain.run import DelayCause, Run, RunStatus
from dropforge.domain.run_events import AttemptIntended
from dropforge.domain.training_job import job_name
from dropforge.domain.training_spec import Compute, TrainingSpec
from dropforge.workflow.dispatch_runs import DispatchIncompleteError, dispatch_runs
from dropforge.workflow.pause_project import pause_project
from dropforge.workflow.recording import record
from dropforge.workflow.resume_project import resume_project
from tests.fakes.memory_jobs import JobsThatTakeAMinute
from tests.fakes.stories import with_runs
from tests.fakes.world import DIGITS, World, stage_of

CANCER = replace(DIGITS, name="cancer", data_prefix="cancer/")


def with_run(world: World, spec: TrainingSpec | None = None) -> World:
    world.push(spec=spec)
    world.drop("digits/a")
    world.grow_quiet()
    return world


def statuses(world: World) -> list[RunStatus]:
    return [run.status for run in sorted(world.store.runs.values(), key=lambda run: run.requested_at)]


def intended(world: World) -> Run:
    """The dispatcher wrote its intent and was cut off."""
    run = world.only_run()
    name = job_name("dropforge-test", run.id, 1)
    return record(world.store, run, AttemptIntended(world.clock.now(), 1, name))


def test_an_admitted_run_gets_its_job_under_the_derived_name_from_the_image_by_digest() -> None:
    world = with_run(World())
    world.dispatch()
    run = world.only_run()
    request = world.jobs.requests[f"dropforge-test-{run.id}-01"]
    assert run.status is RunStatus.RUNNING
    assert run.attempts[0].job_arn == world.jobs.descriptions[request.name].arn
    assert request.image_uri.endswith(f"@{run.image.digest}")
    assert request.tags["dropforge:commit"] == "c1"


def test_a_second_pass_starts_nothing_twice() -> None:
    world = with_run(World())
    world.dispatch()
    world.dispatch()
    assert world.jobs.creations == 1


def test_an_intent_without_a_job_is_carried_out_by_the_next_pass() -> None:
    world = with_run(World())
    intended(world)
    world.dispatch()
    assert world.only_run().status is RunStatus.RUNNING
    assert len(world.jobs.requests) == 1


def test_a_job_that_was_created_and_not_written_down_is_found_and_not_made_again() -> None:
    world = with_run(World())
    world.dispatch()
    started = world.only_run()
    run = replace(started, status=RunStatus.STARTING, attempts=(replace(started.attempts[0], job_arn=None),))
    world.store.runs[run.id] = run
    world.dispatch()
    assert world.only_run().status is RunStatus.RUNNING
    assert len(world.jobs.requests) == 1


def test_a_strangers_job_of_our_name_blocks_the_run_and_says_what_to_do() -> None:
    world = with_run(World())
    name = job_name("dropforge-test", world.only_run().id, 1)
    world.jobs.add_foreign(name, {"dropforge:deployment": "dropforge-test"})
    world.dispatch()
    held = world.only_run().held
    assert held is not None
    assert held.outcome is Outcome.BLOCKED
    assert "DeleteTrainingJob" in held.remedy


def test_runs_start_oldest_first_within_the_projects_limit() -> None:
    world = with_runs(World(), 3)
    world.dispatch()
    assert statuses(world) == [RunStatus.RUNNING, RunStatus.RUNNING, RunStatus.WAITING]
    last = world.store.runs_of_project("digits", 1)[0]
    assert last.waiting is not None
    assert last.waiting.reason == "digits has 2 runs open, as many as it may"


def test_a_run_that_waits_for_a_place_keeps_its_own_and_grows_no_trail() -> None:
    world = with_runs(World(), 4)
    world.dispatch()
    waiting = [run for run in world.store.runs.values() if run.status is RunStatus.WAITING]
    trails = [len(world.store.trail(run.id)) for run in waiting]
    for _ in range(3):
        world.clock.pass_by(minutes=1)
        world.dispatch()
    assert [len(world.store.trail(run.id)) for run in waiting] == trails
    world.finish(next(run for run in world.store.runs.values() if run.status is RunStatus.RUNNING))
    world.dispatch()
    assert [world.run(run.id).status for run in waiting] == [RunStatus.RUNNING, RunStatus.WAITING]


def test_one_full_project_does_not_keep_another_from_starting() -> None:
    world = with_runs(with_runs(World(stage_of(DIGITS, CANCER)), 5), 1, "cancer")
    world.dispatch()
    assert [run.status for run in world.store.runs_of_project("cancer", 9)] == [RunStatus.RUNNING]


def test_the_stages_limit_holds_across_projects() -> None:
    world = with_runs(with_runs(World(stage_of(DIGITS, CANCER, concurrent_runs=3)), 2), 2, "cancer")
    world.dispatch()
    assert statuses(world).count(RunStatus.RUNNING) == 3
    assert any(run.waiting and "the stage has 3" in run.waiting.reason for run in world.store.runs.values())


def test_the_runs_of_a_day_are_counted_and_tomorrow_is_another_day() -> None:
    project = replace(DIGITS, guard_rails=GuardRails(runs_per_day=1))
    world = with_runs(World(stage_of(project)), 2)
    world.dispatch()
    world.clock.pass_by(hours=1)
    world.dispatch()
    assert statuses(world) == [RunStatus.RUNNING, RunStatus.WAITING]
    world.clock.pass_by(hours=12)
    world.dispatch()
    assert statuses(world) == [RunStatus.RUNNING, RunStatus.RUNNING]


def test_a_run_that_aws_had_no_room_for_is_not_kept_from_its_day_by_its_own_count() -> None:
    project = replace(DIGITS, guard_rails=GuardRails(runs_per_day=1))
    world = with_run(World(stage_of(project)))
    world.jobs.throttled = True
    world.dispatch()
    world.jobs.throttled = False
    world.clock.pass_by(minutes=1)
    world.dispatch()
    assert world.only_run().status is RunStatus.RUNNING


def test_a_guard_rail_holds_the_run_and_announces_it() -> None:
    world = with_run(World(), TrainingSpec(Compute("ml.p4d.24xlarge")))
    world.dispatch()
    world.deliver_announcements()
    assert world.only_run().status is RunStatus.HELD
    (subject,) = world.mailbox.subjects
    assert subject.startswith("[dropforge] digits held: ml.p4d.24xlarge is not among the instance types of digits")


def test_a_held_run_is_looked_at_again_when_ops_have_raised_the_limit() -> None:
    world = with_run(World(), TrainingSpec(Compute("ml.m5.xlarge")))
    world.dispatch()
    project = replace(DIGITS, guard_rails=GuardRails(instance_types=("ml.m5.*",)))
    world.ports = replace(world.ports, stage=stage_of(project))
    (released,) = resume_project(world.ports, "digits", "ops")
    assert released.status is RunStatus.WAITING
    world.dispatch()
    assert world.only_run().status is RunStatus.RUNNING


def test_a_quota_of_zero_blocks_and_names_the_quota_to_ask_for() -> None:
    world = with_run(World())
    world.jobs.quota["ml.m5.large"] = 0
    world.dispatch()
    world.deliver_announcements()
    held = world.only_run().held
    assert held is not None
    assert held.outcome is Outcome.BLOCKED
    ((mail, announcement),) = world.mailbox.mails
    assert announcement.outcome is Outcome.BLOCKED
    assert '"ml.m5.large for training job usage"' in mail.body


def test_a_full_quota_delays_longer_each_time_and_fails_nothing() -> None:
    world = with_runs(World(), 2)
    world.jobs.quota["ml.m5.large"] = 1
    world.dispatch()
    waits = []
    for _ in range(4):
        run = next(run for run in world.store.runs.values() if run.status is RunStatus.WAITING)
        assert run.waiting is not None
        assert run.waiting.cause is DelayCause.BUSY
        waits.append(run.waiting.due - world.clock.now())
        world.clock.time = run.waiting.due
        world.dispatch()
    assert waits == sorted(waits)
    assert waits[0] >= timedelta(seconds=15)
    world.finish(next(run for run in world.store.runs.values() if run.status is RunStatus.RUNNING))
    world.clock.pass_by(hours=1)
    world.dispatch()
    assert statuses(world) == [RunStatus.COMPLETED, RunStatus.RUNNING]
    assert all(len(run.attempts) == 1 for run in world.store.runs.values())


def test_a_busy_run_gives_its_place_back() -> None:
    world = with_run(World())
    world.jobs.throttled = True
    world.dispatch()
    load = world.store.load("digits", world.clock.now().date())
    assert (load.open_runs, load.started_today) == (0, 1)


def test_a_request_that_sagemaker_rejects_fails_with_its_words() -> None:
    world = with_run(World())
    world.jobs.rejection = "The image does not exist"
    world.dispatch()
    run = world.only_run()
    assert run.status is RunStatus.FAILED
    assert run.result is not None
    assert run.result.reason == "SageMaker rejected the job: The image does not exist"


def test_a_paused_project_keeps_everything_and_starts_nothing() -> None:
    world = World()
    pause_project(world.ports, "digits", "ops")
    with_run(world).dispatch()
    run = world.only_run()
    assert run.waiting is not None
    assert (run.waiting.cause, run.waiting.reason) == (DelayCause.PAUSED, "paused")
    resume_project(world.ports, "digits", "ops")
    world.dispatch()
    assert world.only_run().status is RunStatus.RUNNING


def test_a_paused_stage_pauses_every_project() -> None:
    world = with_runs(with_runs(World(stage_of(DIGITS, CANCER)), 1), 1, "cancer")
    pause_project(world.ports, None, "ops")
    world.dispatch()
    assert statuses(world) == [RunStatus.WAITING, RunStatus.WAITING]
    resume_project(world.ports, None, "ops")
    world.dispatch()
    assert statuses(world) == [RunStatus.RUNNING, RunStatus.RUNNING]


def test_a_project_that_is_no_longer_declared_holds_its_runs() -> None:
    world = with_run(World())
    world.ports = replace(world.ports, stage=stage_of(CANCER))
    world.dispatch()
    held = world.only_run().held
    assert held is not None
    assert "no longer declared" in held.reason


def test_of_all_that_wait_for_tomorrow_the_first_says_so_and_stays_the_first() -> None:
    world = with_runs(World(stage_of(replace(DIGITS, guard_rails=GuardRails(runs_per_day=1, concurrent_runs=9)))), 5)
    in_turn = [run.id for run in sorted(world.store.runs.values(), key=lambda run: run.requested_at)]
    for day in range(4):
        for _ in range(4):
            world.clock.pass_by(minutes=1)
            world.dispatch()
        assert {run.id for run in world.store.runs.values() if run.attempts} == set(in_turn[: day + 1])
        put_off = [
            run.id for run in world.store.runs.values() if run.waiting and "has started its" in run.waiting.reason
        ]
        assert put_off == [in_turn[day + 1]]
        world.clock.pass_by(days=1)


def test_a_run_put_off_that_meets_another_limit_the_next_day_is_the_first_for_that_one_too() -> None:
    project = replace(DIGITS, guard_rails=GuardRails(runs_per_day=1, concurrent_runs=1))
    world = with_runs(World(stage_of(project)), 3)
    world.dispatch()
    put_off, behind = sorted(world.store.runs.values(), key=lambda run: run.requested_at)[1:]
    for _ in range(2):
        world.clock.pass_by(days=1)
        world.dispatch()
    waiting = world.run(put_off.id).waiting
    assert waiting is not None
    assert (waiting.reason, waiting.due) == ("digits has 1 run open, as many as it may", put_off.requested_at)
    world.finish(next(run for run in world.store.runs.values() if run.status is RunStatus.RUNNING))
    world.dispatch()
    assert world.run(put_off.id).status is RunStatus.RUNNING
    assert world.run(behind.id).status is RunStatus.WAITING


def test_a_run_tried_today_is_not_kept_back_by_those_that_wait_for_tomorrow() -> None:
    world = with_runs(World(stage_of(replace(DIGITS, guard_rails=GuardRails(runs_per_day=1)))), 4)
    tried = min(world.store.runs.values(), key=lambda run: run.requested_at)
    world.jobs.throttled = True
    world.dispatch()
    world.jobs.throttled = False
    for _ in range(2):
        world.clock.pass_by(minutes=1)
        world.dispatch()
    assert world.run(tried.id).status is RunStatus.RUNNING
    assert statuses(world).count(RunStatus.WAITING) == 3


def test_a_resume_looks_anew_at_what_waits_for_tomorrow_so_that_a_raised_limit_takes_effect() -> None:
    world = with_runs(World(stage_of(replace(DIGITS, guard_rails=GuardRails(runs_per_day=1)))), 2)
    world.dispatch()
    assert statuses(world) == [RunStatus.RUNNING, RunStatus.WAITING]
    raised = replace(DIGITS, guard_rails=GuardRails(runs_per_day=2))
    world.ports = replace(world.ports, stage=stage_of(raised))
    released = resume_project(world.ports, "digits", "ops")
    assert [run.id for run in released] == [world.store.runs_of_project("digits", 1)[0].id]
    world.dispatch()
    assert statuses(world) == [RunStatus.RUNNING, RunStatus.RUNNING]


def test_what_a_resume_frees_from_waiting_for_tomorrow_starts_before_what_was_asked_for_later() -> None:
    world = with_runs(World(stage_of(replace(DIGITS, guard_rails=GuardRails(runs_per_day=1)))), 3)
    world.dispatch()
    put_off, behind = sorted(world.store.runs.values(), key=lambda run: run.requested_at)[1:]
    raised = replace(DIGITS, guard_rails=GuardRails(runs_per_day=2))
    world.ports = replace(world.ports, stage=stage_of(raised))
    world.clock.pass_by(hours=1)
    resume_project(world.ports, "digits", "ops")
    world.dispatch()
    assert world.run(put_off.id).status is RunStatus.RUNNING
    assert world.run(behind.id).status is RunStatus.WAITING


def test_a_resume_leaves_alone_what_waits_since_aws_has_no_room() -> None:
    world = with_run(World())
    world.jobs.throttled = True
    world.dispatch()
    assert resume_project(world.ports, "digits", "ops") == ()


def test_a_start_that_fails_unexpectedly_keeps_no_other_run_from_starting() -> None:
    world = with_runs(World(), 2)
    first, second = sorted(world.store.runs.values(), key=lambda run: run.requested_at)
    world.jobs.failing[job_name("dropforge-test", first.id, 1)] = OSError("connection reset")
    with pytest.raises(DispatchIncompleteError, match=f"run {first.id}: connection reset"):
        world.dispatch()
    assert world.run(second.id).status is RunStatus.RUNNING
    world.jobs.failing.clear()
    world.dispatch()
    assert world.run(first.id).status is RunStatus.RUNNING


def test_a_role_that_may_not_create_jobs_blocks_the_run_and_says_so() -> None:
    world = with_run(World())
    world.jobs.denial = "not authorized to perform: sagemaker:CreateTrainingJob"
    world.dispatch()
    held = world.only_run().held
    assert held is not None
    assert held.outcome is Outcome.BLOCKED
    assert "sagemaker:CreateTrainingJob" in held.reason
    assert "dropforge resume digits" in held.remedy


def test_a_pause_parks_an_intent_that_has_no_job_and_a_resume_carries_it_out_once() -> None:
    world = with_run(World())
    intended(world)
    pause_project(world.ports, "digits", "ops")
    world.dispatch()
    assert statuses(world) == [RunStatus.WAITING]
    assert world.jobs.creations == 0
    resume_project(world.ports, "digits", "ops")
    world.dispatch()
    run = world.only_run()
    assert run.status is RunStatus.RUNNING
    assert [each.number for each in run.attempts] == [1]


def test_a_pause_still_writes_down_a_job_that_was_created() -> None:
    world = with_run(World())
    world.dispatch()
    started = world.only_run()
    unwritten = replace(started, status=RunStatus.STARTING, attempts=(replace(started.attempts[0], job_arn=None),))
    world.store.runs[unwritten.id] = unwritten
    pause_project(world.ports, "digits", "ops")
    world.dispatch()
    run = world.only_run()
    assert run.status is RunStatus.RUNNING
    assert run.attempts[0].job_arn == started.attempts[0].job_arn


def test_a_day_counts_every_first_attempt_of_a_pass_whatever_aws_answers() -> None:
    project = replace(DIGITS, guard_rails=GuardRails(runs_per_day=1))
    world = with_runs(World(stage_of(project)), 2)
    world.jobs.rejection = "The image does not exist"
    world.dispatch()
    assert statuses(world) == [RunStatus.FAILED, RunStatus.WAITING]
    assert world.jobs.creations == 1


def test_a_pass_whose_time_is_over_looks_at_no_further_run_and_the_next_one_goes_on() -> None:
    world = with_runs(World(stage_of(replace(DIGITS, guard_rails=GuardRails(concurrent_runs=3)))), 3)
    jobs = JobsThatTakeAMinute(world.clock, world.bucket)
    ports = replace(world.ports, jobs=jobs)
    dispatch_runs(ports, ends=world.clock.now() + timedelta(seconds=90))
    assert statuses(world) == [RunStatus.RUNNING, RunStatus.RUNNING, RunStatus.WAITING]
    dispatch_runs(ports, ends=world.clock.now() + timedelta(seconds=90))
    assert statuses(world) == [RunStatus.RUNNING] * 3


def test_a_pass_whose_time_is_over_replaces_no_further_run_either() -> None:
    world = World(stage_of(replace(DIGITS, latest_wins=True)))
    world.drop("digits/a")
    world.grow_quiet()
    for commit in ("c1", "c2", "c3"):
        world.push(commit=commit)
    dispatch_runs(world.ports, ends=world.clock.now())
    assert statuses(world) == [RunStatus.WAITING] * 3
