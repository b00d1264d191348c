"""A person ends a run, or has it tried again; both are on record with who."""

from __future__ import annotations

from functools import partial
from itertools import count

import pytest

from dropforge.domain.run import Run, RunStatus
from dropforge.domain.run_events import AttemptIntended
from dropforge.domain.training_job import JobStatus, job_name
from dropforge.workflow.dispatch_runs import dispatch_runs
from dropforge.workflow.ports import BusyError
from dropforge.workflow.record_job_state import record_job_state
from dropforge.workflow.recording import record
from dropforge.workflow.retry_run import NotRetriableError, retry_run
from dropforge.workflow.stop_run import stop_run
from dropforge.workflow.sweep import sweep
from tests.fakes.interruption import Interruption, interrupted
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.world import World

STOPPED = JobEnd(JobStatus.STOPPED, "Stopped", model=None)
CRASHED = JobEnd(JobStatus.FAILED, "Failed", model=None, failure_reason="AlgorithmError: exit code 1")


def waiting(world: World) -> Run:
    world.push()
    world.drop("digits/a")
    world.grow_quiet()
    return world.only_run()


def running(world: World) -> Run:
    waiting(world)
    world.dispatch()
    return world.only_run()


def intended(world: World) -> Run:
    """A pass of the dispatcher was cut off before it asked for the job."""
    run = waiting(world)
    name = job_name(world.ports.stage.deployment, run.id, run.next_attempt)
    return record(world.store, run, AttemptIntended(world.clock.now(), run.next_attempt, name))


def test_a_waiting_run_is_stopped_at_once_and_gets_no_job() -> None:
    world = World()
    run = stop_run(world.ports, waiting(world).id, "ada")
    assert run.status is RunStatus.STOPPED
    world.dispatch()
    assert world.jobs.requests == {}
    world.deliver_announcements()
    ((mail, _),) = world.mailbox.mails
    assert "was stopped before it started: ada asked for it" in mail.body


def test_a_running_run_ends_when_its_job_has_and_says_who_wanted_it() -> None:
    world = World()
    run = running(world)
    stopping = stop_run(world.ports, run.id, "ada")
    name = run.attempts[0].job_name
    assert world.jobs.descriptions[name].state.status is JobStatus.STOPPING
    assert stopping.status is RunStatus.RUNNING
    ended = world.finish(run, STOPPED)
    assert ended.status is RunStatus.STOPPED
    assert ended.result is not None
    assert ended.result.reason == "stopped because ada asked for it"


def test_stopping_twice_records_it_once() -> None:
    world = World()
    run = running(world)
    once = stop_run(world.ports, run.id, "ada")
    assert stop_run(world.ports, run.id, "grace") == once


def test_a_run_that_has_ended_cannot_be_stopped_any_more() -> None:
    world = World()
    ended = world.finish(running(world))
    assert stop_run(world.ports, ended.id, "ada") == ended


@pytest.mark.parametrize("after", [False, True])
def test_a_stop_at_any_moment_of_the_start_leaves_no_job_running(after: bool) -> None:
    for at in count():
        world = World()
        run = waiting(world)
        interruption = Interruption(at, after, strike=partial(stop_run, world.ports, run.id, "ada"))
        dispatch_runs(interrupted(world.ports, interruption))
        if not interruption.happened:
            assert at > 5
            break
        for name in world.jobs.running():
            assert world.jobs.descriptions[name].state.status is JobStatus.STOPPING, interruption.calls[at]
            world.jobs.end(name, STOPPED)
            record_job_state(world.ports, name)
        assert world.only_run().status is RunStatus.STOPPED, interruption.calls[at]


@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_goes_back_in_line_at_any_moment_of_its_stop_ends_all_the_same(after: bool) -> None:
    for at in count():
        world = World()
        run = intended(world)
        world.jobs.failing = {run.attempts[0].job_name: BusyError("no capacity")}
        interruption = Interruption(at, after, strike=world.dispatch)
        stop_run(interrupted(world.ports, interruption), run.id, "ada")
        if not interruption.happened:
            assert at > 3
            break
        assert world.only_run().status is RunStatus.STOPPED, interruption.calls[at]
        assert world.jobs.requests == {}


def test_a_stop_that_was_cut_off_before_sagemaker_was_asked_is_carried_out_by_the_sweep() -> None:
    world = World()
    run = running(world)
    interruption = Interruption(at=3, after=False, strike=lambda: (_ for _ in ()).throw(ConnectionError()))
    while True:
        ports = interrupted(world.ports, interruption)
        try:
            stop_run(ports, run.id, "ada")
        except ConnectionError:
            if interruption.calls[-1] == "stop":
                break
        interruption = Interruption(interruption.at + 1, after=False, strike=interruption.strike)
    assert world.jobs.descriptions[run.attempts[0].job_name].state.status is JobStatus.IN_PROGRESS
    sweep(world.ports)
    assert world.jobs.descriptions[run.attempts[0].job_name].state.status is JobStatus.STOPPING


def test_a_failed_run_is_tried_again_under_a_new_job_and_its_trail_says_who_asked() -> None:
    world = World()
    failed = world.finish(running(world), CRASHED)
    again = retry_run(world.ports, failed.id, "ada")
    assert again.status is RunStatus.WAITING
    world.dispatch()
    retried = world.finish(again)
    assert retried.status is RunStatus.COMPLETED
    assert [attempt.number for attempt in retried.attempts] == [1, 2]
    assert any('"name":"ada"' in entry.body for entry in world.store.trail(failed.id))
    world.deliver_announcements()
    assert [subject.split()[2].rstrip(":") for subject in world.mailbox.subjects] == ["failed", "completed"]


def test_the_end_of_the_attempt_before_told_late_does_not_end_the_retry() -> None:
    world = World()
    failed = world.finish(running(world), CRASHED)
    again = retry_run(world.ports, failed.id, "ada")
    assert record_job_state(world.ports, failed.attempts[0].job_name) == again
    sweep(world.ports)
    assert world.only_run().status is RunStatus.WAITING


def test_a_retry_of_a_run_whose_job_was_deleted_starts_another() -> None:
    world = World()
    run = running(world)
    world.jobs.delete(run.attempts[0].job_name)
    record_job_state(world.ports, run.attempts[0].job_name)
    again = retry_run(world.ports, run.id, "ada")
    assert record_job_state(world.ports, run.attempts[0].job_name) == again
    world.dispatch()
    assert world.only_run().status is RunStatus.RUNNING


def test_what_did_not_fail_cannot_be_retried_and_says_what_to_do_instead() -> None:
    world = World()
    run = running(world)
    with pytest.raises(NotRetriableError, match="is RUNNING and cannot be retried; it has not ended yet"):
        retry_run(world.ports, run.id, "ada")
    world.finish(run)
    with pytest.raises(NotRetriableError, match="is COMPLETED and cannot be retried; it completed"):
        retry_run(world.ports, run.id, "ada")
