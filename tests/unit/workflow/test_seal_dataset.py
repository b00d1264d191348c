from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from dropforge.domain.announcement import Outcome
from dropforge.domain.artifact_layout import channel_files_key, manifest_key
from dropforge.domain.dataset import Checksum
from dropforge.domain.head import WaitsFor
from dropforge.domain.pinning import Pin
from dropforge.domain.project import OnData
from dropforge.domain.run import RequesterKind
from dropforge.workflow.accept_drop import accept_drop
from dropforge.workflow.pause_project import pause_project
from dropforge.workflow.project_status import project_status
from dropforge.workflow.resume_project import resume_project
from dropforge.workflow.seal_dataset import SealsNotWokenError, Turn, seal_dataset, wake_due_seals
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.world import DIGITS, World, stage_of

REBUILDING = replace(DIGITS, on_data=OnData.REBUILD)


def test_nothing_is_sealed_while_drops_go_on() -> None:
    world = World()
    world.drop("digits/a")
    world.clock.pass_by(seconds=30)
    assert seal_dataset(world.ports, "digits") is None
    assert world.store.datasets == {}


def test_quiet_data_becomes_one_version_that_holds_all_of_it() -> None:
    world = World()
    world.drop("digits/train.csv", b"rows")
    world.drop("digits/test/a.csv", b"other rows")
    world.grow_quiet()
    data = world.store.head("digits").data
    assert data is not None
    version = data.dataset.version
    manifest = world.bucket.manifest(manifest_key("digits", version))
    assert manifest.version == version
    assert [(each.channel, each.sha256) for each in manifest.objects] == [
        ("test", hashlib.sha256(b"other rows").hexdigest()),
        ("training", hashlib.sha256(b"rows").hexdigest()),
    ]
    assert world.bucket.files_of(channel_files_key("digits", version, "training")) == {"train.csv": b"rows"}
    assert world.bucket.files_of(channel_files_key("digits", version, "test")) == {"a.csv": b"other rows"}


def test_each_object_version_leads_to_the_datasets_that_hold_it() -> None:
    world = World()
    kept = world.drop("digits/kept")
    world.grow_quiet()
    world.drop("digits/more")
    world.grow_quiet()
    assert len(world.store.datasets_of_object(kept.bucket, kept.key, kept.version_id, 10)) == 2


def test_data_that_comes_first_waits_for_an_image_and_the_status_says_so() -> None:
    world = World()
    world.drop("digits/a")
    world.grow_quiet()
    assert world.store.runs == {}
    assert project_status(world.ports, "digits").waits_for is WaitsFor.IMAGE


def test_new_data_trains_with_the_image_that_is_there() -> None:
    world = World()
    world.push()
    world.drop("digits/a")
    world.grow_quiet()
    run = world.only_run()
    assert run.image.commit == "c1"
    assert (run.requester.kind, run.requester.name) == (RequesterKind.DROP, "AWS:ADA from 192.0.2.7")
    assert world.wakeups.dispatches == 1


def test_the_same_event_twice_makes_no_second_run() -> None:
    world = World()
    world.push()
    drop = world.drop("digits/a")
    world.grow_quiet()
    accept_drop(world.ports, drop)
    world.grow_quiet()
    assert len(world.store.runs) == 1


def test_changed_bytes_under_the_same_key_make_another_run() -> None:
    world = World()
    world.push()
    world.drop("digits/a", b"one")
    world.grow_quiet()
    world.drop("digits/a", b"two")
    world.grow_quiet()
    assert len({run.dataset.version for run in world.store.runs.values()}) == 2


def test_a_deleted_object_is_not_in_the_next_version() -> None:
    world = World()
    world.drop("digits/a")
    world.drop("digits/b")
    world.grow_quiet()
    world.delete("digits/a")
    world.grow_quiet()
    data = world.store.head("digits").data
    assert data is not None
    assert data.dataset.objects == 1


def test_a_prefix_that_was_emptied_trains_nothing() -> None:
    world = World()
    world.push()
    world.drop("digits/a")
    world.delete("digits/a")
    world.grow_quiet()
    assert world.store.runs == {}
    assert world.store.due_seals(world.clock.now() + timedelta(days=1)) == ()


class DropWhileSealing(MemoryBucket):
    """Somebody drops one more object when the first is copied."""

    def __init__(self, world: World) -> None:
        super().__init__(world.clock.now)
        self.world: World | None = None

    def copy_all(self, pins: Iterable[Pin], enough: Callable[[], bool]) -> Iterator[tuple[Pin, Checksum]]:
        world, self.world = self.world, None
        if world is not None:
            world.drop("digits/late")
        return super().copy_all(pins, enough)


def test_an_object_that_comes_while_data_is_sealed_makes_the_next_version() -> None:
    world = World()
    bucket = DropWhileSealing(world)
    world.bucket = bucket
    world.ports = replace(world.ports, bucket=bucket)
    world.push()
    world.drop("digits/early")
    bucket.world = world
    world.grow_quiet()
    world.grow_quiet()
    assert sorted(run.dataset.objects for run in world.store.runs.values()) == [1, 2]


def test_bytes_that_are_known_are_not_read_again_and_copies_that_are_there_not_made_again() -> None:
    world = World()
    world.drop("digits/a")
    world.grow_quiet()
    timer = world.store.timers["digits"]
    world.store.timers["digits"] = replace(timer, due=world.clock.now())
    before = list(world.bucket.copies)
    seal_dataset(world.ports, "digits")
    assert world.bucket.copies == before


def test_data_that_no_job_could_read_is_refused_with_the_reason_and_the_head_stays() -> None:
    world = World()
    world.drop("digits/a")
    world.grow_quiet()
    head = world.store.head("digits")
    world.drop("digits/training/a")
    world.grow_quiet()
    (notice,) = world.store.notices(10)
    assert notice.kind is Outcome.REFUSED
    assert "two objects would both be training/a" in notice.sentence
    assert world.store.head("digits") == head
    assert world.store.due_seals(world.clock.now() + timedelta(days=1)) == ()


def test_data_in_more_folders_than_a_job_takes_channels_is_refused_with_what_to_do() -> None:
    world = World()
    world.push()
    for number in range(21):
        world.drop(f"digits/class-{number}/a")
    world.grow_quiet()
    (notice,) = world.store.notices(10)
    assert notice.kind is Outcome.REFUSED
    assert "the data has 21 channels, and a SageMaker job takes at most 20" in notice.sentence
    assert "into fewer folders directly below digits/" in notice.sentence
    assert (world.store.runs, world.store.due_seals(world.clock.now())) == ({}, ())


def test_a_sealing_that_fell_behind_does_not_take_the_head_back() -> None:
    world = World()
    world.drop("digits/a", b"one")
    world.grow_quiet()
    older = world.store.head("digits").data
    world.drop("digits/a", b"two")
    world.grow_quiet()
    newer = world.store.head("digits").data
    assert older is not None
    world.store.advance_data(older)
    assert world.store.head("digits").data == newer


def test_a_lost_wake_up_is_healed_by_the_minute() -> None:
    world = World()
    world.drop("digits/a")
    world.wakeups.seals.clear()
    wake_due_seals(world.ports)
    assert world.wakeups.seals == []
    world.clock.pass_by(seconds=60)
    wake_due_seals(world.ports)
    assert world.wakeups.seals == [("digits", timedelta(0))]


def test_where_data_asks_for_a_rebuild_data_that_goes_back_trains_with_the_latest_image() -> None:
    world = World(stage_of(replace(DIGITS, on_data=OnData.REBUILD)))
    for key in ("digits/a", "digits/b"):
        world.drop(key)
        world.grow_quiet()
        data = world.store.head("digits").data
        assert data is not None
        rebuild = world.store.rebuild("digits", data.dataset.version)
        assert rebuild is not None
        world.push_rebuild(rebuild, content=key)
    world.push(commit="c2")
    world.delete("digits/b")
    world.grow_quiet()
    trained = {(run.image.commit, run.dataset.objects) for run in world.store.runs.values()}
    assert trained == {("c1", 1), ("c1", 2), ("c2", 2), ("c2", 1)}
    assert len(world.builds.rebuilds) == 2


def test_where_data_asks_for_a_rebuild_the_pipeline_is_started_once_and_trains_once() -> None:
    world = World(stage_of(REBUILDING))
    world.drop("digits/a")
    world.grow_quiet()
    (rebuild,) = world.store.rebuilds.values()
    assert rebuild.execution_id == "execution-1"
    assert world.store.runs == {}
    world.push_rebuild(rebuild)
    run = world.only_run()
    assert run.dataset.version == rebuild.dataset_version
    assert (run.requester.kind, run.requester.name) == (RequesterKind.DROP, "AWS:ADA from 192.0.2.7")


def test_a_start_that_was_not_written_down_is_repeated_under_the_same_token() -> None:
    world = World(stage_of(REBUILDING))
    world.drop("digits/a")
    world.grow_quiet()
    ((key, rebuild),) = world.store.rebuilds.items()
    world.store.rebuilds[key] = replace(rebuild, execution_id=None)
    wake_due_seals(world.ports)
    assert len(world.builds.rebuilds) == 1
    assert world.store.rebuilds[key].execution_id == "execution-1"


def test_a_pending_connection_is_told_once_and_the_build_starts_when_it_is_accepted() -> None:
    world = World(stage_of(REBUILDING))
    world.builds.connection_pending = True
    world.drop("digits/a")
    world.grow_quiet()
    wake_due_seals(world.ports)
    (notice,) = world.store.notices(10)
    assert (notice.kind, "complete the connection" in notice.sentence) == (Outcome.BLOCKED, True)
    world.builds.connection_pending = False
    world.clock.pass_by(minutes=15)
    wake_due_seals(world.ports)
    assert world.store.unstarted_rebuilds() == ()


def test_whoever_has_accepted_the_connection_need_not_wait_for_the_build() -> None:
    world = World(stage_of(REBUILDING))
    world.builds.connection_pending = True
    world.drop("digits/a")
    world.grow_quiet()
    world.builds.connection_pending = False
    resume_project(world.ports, "digits", "ops")
    assert world.store.unstarted_rebuilds() == ()


def test_a_paused_project_is_sealed_and_its_build_waits_for_the_resume() -> None:
    world = World(stage_of(REBUILDING))
    pause_project(world.ports, "digits", "ops")
    world.drop("digits/a")
    world.grow_quiet()
    assert world.store.head("digits").data is not None
    assert world.builds.rebuilds == {}
    resume_project(world.ports, "digits", "ops")
    assert len(world.builds.rebuilds) == 1


def test_a_busy_codepipeline_delays_a_rebuild_and_loses_nothing() -> None:
    world = World(stage_of(REBUILDING))
    world.builds.busy = True
    world.drop("digits/a")
    world.grow_quiet()
    world.builds.busy = False
    world.clock.pass_by(minutes=1)
    wake_due_seals(world.ports)
    assert world.store.unstarted_rebuilds() == ()


def test_a_codepipeline_that_stays_busy_is_asked_less_and_less_often_up_to_every_quarter_of_an_hour() -> None:
    world = World(stage_of(REBUILDING))
    world.builds.busy = True
    world.drop("digits/a")
    world.grow_quiet()
    asked_at = [0]
    for minute in range(1, 240):
        before = world.builds.asked
        world.clock.pass_by(minutes=1)
        wake_due_seals(world.ports)
        asked_at += [minute] * (world.builds.asked - before)
    gaps = [later - earlier for earlier, later in pairwise(asked_at)]
    assert gaps[0] == 1
    assert all(8 <= gap <= 15 for gap in gaps[5:])


def test_a_build_that_cannot_be_started_keeps_no_other_projects_from_starting() -> None:
    cancer = replace(REBUILDING, name="cancer", data_prefix="cancer/")
    world = World(stage_of(REBUILDING, cancer))
    world.builds.busy = True
    for project in ("cancer", "digits"):
        world.drop(f"{project}/a")
        world.grow_quiet(project)
    world.builds.busy = False
    world.clock.pass_by(minutes=1)
    world.builds.broken["cancer"] = OSError("connection reset")
    with pytest.raises(SealsNotWokenError, match="cancer: connection reset"):
        wake_due_seals(world.ports)
    assert [each.project for each in world.store.unstarted_rebuilds()] == ["cancer"]


class FailsOnce(MemoryBucket):
    """S3 does not answer the first copy."""

    failed = False

    def copy_all(self, pins: Iterable[Pin], enough: Callable[[], bool]) -> Iterator[tuple[Pin, Checksum]]:
        if not self.failed:
            self.failed = True
            raise ConnectionError("S3 did not answer")
        return super().copy_all(pins, enough)


def test_an_error_while_sealing_leaves_the_data_to_the_next_minute() -> None:
    world = World()
    world.bucket = FailsOnce(world.clock.now)
    world.ports = replace(world.ports, bucket=world.bucket)
    world.drop("digits/a")
    world.clock.pass_by(seconds=61)
    world.wakeups.seals.clear()
    with pytest.raises(ConnectionError):
        seal_dataset(world.ports, "digits", turn=Turn("message 1"))
    wake_due_seals(world.ports)
    assert world.wakeups.seals == [("digits", timedelta(0))]
    assert seal_dataset(world.ports, "digits", turn=Turn("message 2")) is not None
