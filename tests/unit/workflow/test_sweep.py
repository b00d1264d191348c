from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from dropforge.domain.announcement import Outcome
from dropforge.domain.dataset import ListedObject
from dropforge.domain.drop import ObjectRef
from dropforge.domain.errors import DropforgeError
from dropforge.domain.project import GuardRails, Patience, SealMode, SealPolicy
from dropforge.domain.run import Run, RunStatus
from dropforge.domain.run_events import AttemptIntended
from dropforge.domain.training_job import job_name
from dropforge.workflow.recording import record
from dropforge.workflow.register_image import register_image
from dropforge.workflow.run_project import RunOrder, run_project
from dropforge.workflow.seal_dataset import seal_dataset
from dropforge.workflow.sweep import SweepIncompleteError, sweep
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.world import DIGITS, Mailbox, World, stage_of


def running(count: int = 1) -> World:
    world = World()
    world.push()
    world.drop("digits/a")
    world.grow_quiet()
    for number in range(1, count):
        run_project(world.ports, RunOrder("digits", "ada", {"seed": str(number)}))
    world.dispatch()
    return world


def test_a_job_that_ended_unseen_is_found_and_told_of() -> None:
    world = running()
    world.jobs.end(world.only_run().attempts[0].job_name, JobEnd())
    sweep(world.ports)
    assert world.only_run().status is RunStatus.COMPLETED
    sweep(world.ports)
    assert len(world.mailbox.mails) == 1


def test_a_lost_wake_up_of_the_dispatcher_and_of_the_sealing_is_made_good() -> None:
    world = World()
    world.drop("digits/a")
    world.clock.pass_by(seconds=60)
    world.wakeups.seals.clear()
    sweep(world.ports)
    assert world.wakeups.dispatches == 1
    assert world.wakeups.seals == [("digits", timedelta(0))]


def test_what_fails_for_one_is_still_done_for_the_others_and_then_told() -> None:
    world = running(3)
    for name in world.jobs.running():
        world.jobs.end(name, JobEnd())
    sweep(world.ports)
    world.dispatch()
    for name in world.jobs.running():
        world.jobs.end(name, JobEnd())
    with pytest.raises(SweepIncompleteError, match=r"announcement of .*: the topic is gone.*; announcement of "):
        sweep(replace(world.ports, announcer=Mailbox(refusal=DropforgeError("the topic is gone: deploy again"))))
    assert all(run.status is RunStatus.COMPLETED for run in world.store.runs.values())


class Unreachable:
    """A port of which one method fails as a client of AWS does, with no error of ours."""

    def __init__(self, port: object, method: str, *, for_argument: str = "") -> None:
        self._port, self._method, self._for_argument = port, method, for_argument

    def __getattr__(self, name: str) -> Any:
        return self._fail if name == self._method else getattr(self._port, name)

    def _fail(self, *arguments: object) -> Any:
        if self._for_argument in str(arguments):
            raise ConnectionError("AWS did not answer")
        return getattr(self._port, self._method)(*arguments)


def test_an_aws_that_refuses_one_job_does_not_keep_the_others_from_being_healed() -> None:
    world = running(2)
    names = [run.attempts[0].job_name for run in world.store.runs.values()]
    for name in names:
        world.jobs.end(name, JobEnd())
    broken: Any = Unreachable(world.jobs, "describe", for_argument=names[0])
    with pytest.raises(SweepIncompleteError, match="AWS did not answer"):
        sweep(replace(world.ports, jobs=broken))
    assert sorted(run.status.value for run in world.store.runs.values()) == ["COMPLETED", "RUNNING"]
    sweep(world.ports)
    assert {run.status for run in world.store.runs.values()} == {RunStatus.COMPLETED}


@pytest.mark.parametrize("question", ["open_runs", "waiting_runs", "pending_announcements", "due_seals"])
def test_a_question_that_the_store_does_not_answer_leaves_the_rest_of_the_sweep(question: str) -> None:
    world = running()
    store: Any = Unreachable(world.store, question)
    with pytest.raises(SweepIncompleteError, match="AWS did not answer"):
        sweep(replace(world.ports, store=store))
    assert world.wakeups.dispatches >= 1


def test_a_project_that_takes_all_of_a_sweeps_time_takes_neither_the_mails_nor_every_sweep() -> None:
    cancer = replace(DIGITS, name="cancer", data_prefix="cancer/")
    world = World(stage_of(DIGITS, cancer))
    world.drop("elsewhere/a")
    for project in (DIGITS, cancer):
        world.bucket.put(f"{project.data_prefix}a", b"unheard of")
    world.clock.pass_by(minutes=10)

    class Slow(MemoryBucket):
        def current_objects(self, prefix: str, at: datetime) -> Iterator[ListedObject]:
            world.clock.pass_by(minutes=5)
            return world.bucket.current_objects(prefix, at)

    ports = replace(world.ports, bucket=Slow(world.clock.now))
    for _ in range(2):
        with pytest.raises(SweepIncompleteError, match="no time left for it"):
            sweep(ports, ends=world.clock.now() + timedelta(minutes=8))
        world.clock.pass_by(minutes=5)
    assert len(world.mailbox.mails) >= 1
    assert set(world.store.timers) == {"digits", "cancer"}


def test_each_open_run_costs_one_description_and_a_waiting_one_none() -> None:
    world = running(5)
    described: list[str] = []

    class Counted:
        def __getattr__(self, name: str) -> Any:
            return getattr(world.jobs, name)

        def describe(self, name: str) -> Any:
            described.append(name)
            return world.jobs.describe(name)

    jobs: Any = Counted()
    sweep(replace(world.ports, jobs=jobs))
    assert len(described) == len(set(described)) == 2


def test_what_the_sweep_found_says_so_in_record_and_mail() -> None:
    world = running()
    world.jobs.end(world.only_run().attempts[0].job_name, JobEnd())
    sweep(world.ports)
    world.deliver_announcements()
    entries = world.store.trail(world.only_run().id)
    assert any('"found_by":{"kind":"rule","name":"sweep"}' in entry.body for entry in entries)
    assert "the sweep, which asks after every open run, found it" in world.mailbox.mails[0][0].body


def waiting_for_a_place(count: int, patience: Patience) -> World:
    rails = GuardRails(concurrent_runs=1, max_runtime_minutes=5000)
    world = World(stage_of(replace(DIGITS, guard_rails=rails, waiting=patience)))
    world.push()
    world.drop("digits/a")
    world.grow_quiet()
    world.dispatch()
    for number in range(count):
        world.clock.pass_by(seconds=1)
        run_project(world.ports, RunOrder("digits", "ada", {"seed": str(number)}))
    world.dispatch()
    return world


def test_that_runs_wait_for_too_long_is_told_once_and_by_the_first_for_all() -> None:
    world = waiting_for_a_place(3, Patience(tell_after_minutes=30))
    sweep(world.ports)
    assert "a run has waited" not in " ".join(world.mailbox.subjects)
    for _ in range(4):
        world.clock.pass_by(minutes=20)
        sweep(world.ports)
    (subject,) = [each for each in world.mailbox.subjects if "a run has waited" in each]
    assert subject.startswith("[dropforge] digits waiting: a run has waited for 40 min, and 2 more of digits behind it")


def test_a_run_is_given_up_after_the_time_that_its_project_says_and_not_before() -> None:
    world = waiting_for_a_place(1, Patience(tell_after_minutes=1000, give_up_after_minutes=60))
    world.clock.pass_by(minutes=59)
    sweep(world.ports)
    assert RunStatus.FAILED not in {run.status for run in world.store.runs.values()}
    world.clock.pass_by(minutes=2)
    sweep(world.ports)
    (failed,) = [run for run in world.store.runs.values() if run.status is RunStatus.FAILED]
    assert failed.result is not None
    world.deliver_announcements()
    assert "waited for more than 60 minutes" in (failed.result.reason or "")
    (subject,) = [each for each in world.mailbox.subjects if " waiting: " not in each]
    assert subject.startswith("[dropforge] digits failed: it waited for more than 60 minutes")


def test_a_line_that_is_given_up_takes_neither_more_than_a_sweeps_time_nor_that_of_the_open_runs() -> None:
    world = waiting_for_a_place(9, Patience(give_up_after_minutes=60))
    world.clock.pass_by(hours=2)
    for name in world.jobs.running():
        world.jobs.end(name, JobEnd())
    waiting = {run.id for run in world.store.runs.values() if run.status is RunStatus.WAITING}

    class Slow:
        def __getattr__(self, name: str) -> Any:
            return getattr(world.store, name)

        def run(self, run_id: str) -> Run | None:
            if run_id in waiting:
                world.clock.pass_by(minutes=1)
            return world.store.run(run_id)

    store: Any = Slow()
    ends = world.clock.now() + timedelta(minutes=4)
    with pytest.raises(SweepIncompleteError, match=r"waiting run .*: there was no time left for it"):
        sweep(replace(world.ports, store=store), ends=ends)
    assert 1 <= [world.run(run_id).status for run_id in waiting].count(RunStatus.FAILED) <= 4
    assert RunStatus.COMPLETED in {run.status for run in world.store.runs.values()}


def test_a_job_that_should_have_ended_by_itself_is_told_of_once() -> None:
    world = running()
    for hours in (2, 1, 1):
        world.clock.pass_by(hours=hours, minutes=30)
        sweep(world.ports)
    (subject,) = world.mailbox.subjects
    assert subject.startswith("[dropforge] digits stuck: the job dropforge-test-")
    assert world.only_run().status is RunStatus.RUNNING


def test_a_start_that_is_never_confirmed_is_told_of_once() -> None:
    world = World()
    world.push()
    world.drop("digits/a")
    world.grow_quiet()
    run = world.only_run()
    record(world.store, run, AttemptIntended(world.clock.now(), 1, job_name("dropforge-test", run.id, 1)))
    for _ in range(3):
        world.clock.pass_by(minutes=31)
        sweep(world.ports)
    (subject,) = world.mailbox.subjects
    assert "was to be created 31 min ago and is not confirmed" in world.mailbox.mails[0][0].body
    assert subject.startswith("[dropforge] digits stuck")


def test_an_image_whose_registration_was_lost_is_registered_by_its_own_pipeline() -> None:
    world = World()
    built = world.built()
    world.clock.pass_by(minutes=20)
    sweep(world.ports)
    assert world.builds.retried == []
    world.clock.pass_by(minutes=9)
    sweep(world.ports)
    assert world.builds.retried == ["execution-of-c1"]
    sweep(world.ports)
    assert world.mailbox.subjects == ["[dropforge] digits: an image was built and not registered"]
    assert world.builds.retried == ["execution-of-c1"]
    register_image(world.ports, built)
    sweep(world.ports)
    assert world.builds.retried == ["execution-of-c1"]


def test_an_image_whose_pipeline_has_gone_on_is_told_of_once_with_what_to_do() -> None:
    world = World()
    world.built()
    world.builds.overtaken.add("execution-of-c1")
    for _ in range(3):
        world.clock.pass_by(minutes=30)
        sweep(world.ports)
    ((mail, announcement),) = world.mailbox.mails
    assert announcement.outcome is Outcome.BUILD_FAILED
    assert "push again, or start the pipeline" in mail.body


def test_a_drop_whose_event_was_lost_is_sealed_and_trained_on() -> None:
    world = running()
    world.bucket.put("digits/b", b"unheard of")
    world.bucket.put("digits/_SUCCESS", b"")
    world.bucket.put("digits/folder/", b"")
    sweep(world.ports)
    assert len(world.store.runs) == 1
    world.clock.pass_by(minutes=9)
    sweep(world.ports)
    seal_dataset(world.ports, "digits")
    data = world.store.head("digits").data
    assert data is not None
    assert data.dataset.objects == 2
    assert len(world.store.runs) == 2
    world.deliver_announcements()
    assert world.mailbox.subjects == ["[dropforge] digits: 1 object was found that no event told of"]
    sweep(world.ports)
    assert len(world.mailbox.mails) == 1


def test_a_new_version_of_a_known_key_whose_event_was_lost_is_found_too() -> None:
    world = running()
    world.bucket.put("digits/a", b"changed")
    world.clock.pass_by(minutes=9)
    sweep(world.ports)
    seal_dataset(world.ports, "digits")
    assert len(world.store.runs) == 2


def test_a_deletion_whose_event_was_lost_is_sealed_once() -> None:
    world = running()
    world.drop("digits/b")
    world.grow_quiet()
    world.bucket.delete("digits/b")
    world.clock.pass_by(minutes=9)
    sweep(world.ports)
    seal_dataset(world.ports, "digits")
    data = world.store.head("digits").data
    assert data is not None
    assert data.dataset.objects == 1
    world.bucket.delete("digits/a")
    world.clock.pass_by(minutes=9)
    for _ in range(3):
        sweep(world.ports)
        seal_dataset(world.ports, "digits")
    timer = world.store.seal_timer("digits")
    assert timer is not None
    assert timer.revision == 4


def test_an_object_that_is_sealed_by_itself_is_found_by_itself() -> None:
    world = World(stage_of(replace(DIGITS, seal=SealPolicy(SealMode.OBJECT))))
    world.push()
    listed = world.bucket.put("digits/a", b"unheard of")
    world.clock.pass_by(minutes=9)
    sweep(world.ports)
    seal_dataset(world.ports, "digits", ObjectRef(world.bucket.name, "digits/a", listed.version_id))
    assert world.only_run().dataset.objects == 1


def test_a_marker_whose_event_was_lost_seals_what_lies_beside_it() -> None:
    world = World(stage_of(replace(DIGITS, seal=SealPolicy(SealMode.MARKER))))
    world.push()
    world.drop("digits/a")
    marker = world.bucket.put("digits/_SUCCESS", b"")
    world.clock.pass_by(minutes=9)
    sweep(world.ports)
    seal_dataset(world.ports, "digits", ObjectRef(world.bucket.name, "digits/_SUCCESS", marker.version_id))
    assert world.only_run().dataset.objects == 1


def test_an_image_of_known_bytes_whose_registration_was_lost_is_registered_for_its_own_commit() -> None:
    world = World()
    register_image(world.ports, world.built(commit="c1", content="the same bytes"))
    world.built(commit="c2", content="the same bytes")
    world.clock.pass_by(minutes=26)
    sweep(world.ports)
    assert world.builds.retried == ["execution-of-c2"]
