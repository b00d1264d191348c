from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dropforge.domain.announcement import Outcome
from dropforge.domain.project import SealMode, SealPolicy
from dropforge.workflow.accept_drop import accept_drop
from tests.fakes.world import DIGITS, World, stage_of


def sealing_each_by_itself() -> World:
    return World(stage_of(replace(DIGITS, seal=SealPolicy(SealMode.OBJECT))))


def test_a_drop_is_kept_with_who_and_from_where_and_sets_the_timer() -> None:
    world = World()
    drop = world.drop("digits/train.csv")
    assert world.store.drop(drop.bucket, drop.key, drop.version_id) == drop
    timer = world.store.seal_timer("digits")
    assert timer is not None
    assert (timer.due, timer.last_drop_by) == (world.clock.now() + timedelta(seconds=60), "AWS:ADA from 192.0.2.7")
    assert world.wakeups.seals == [("digits", timedelta(seconds=60))]


def test_each_further_drop_puts_the_sealing_off() -> None:
    world = World()
    world.drop("digits/a")
    world.clock.pass_by(seconds=30)
    world.drop("digits/b")
    timer = world.store.seal_timer("digits")
    assert timer is not None
    assert timer.due == world.clock.now() + timedelta(seconds=60)


def test_who_dropped_last_asked_for_the_run_though_an_earlier_drop_is_told_of_later() -> None:
    world = World()
    world.push()
    ada = world.told_of(world.bucket.put("digits/a", b"1"))
    world.clock.pass_by(seconds=30)
    bob = replace(world.told_of(world.bucket.put("digits/b", b"2")), principal="AWS:BOB")
    accept_drop(world.ports, bob)
    world.clock.pass_by(seconds=5)
    accept_drop(world.ports, ada)
    world.grow_quiet()
    assert world.only_run().requester.name == bob.by


def test_a_drop_that_was_cut_off_after_it_was_kept_still_sets_the_timer_when_it_comes_again() -> None:
    world = World()
    drop = world.drop("digits/a")
    del world.store.timers["digits"]
    accept_drop(world.ports, drop)
    assert world.store.seal_timer("digits") is not None


def test_an_event_that_is_older_than_another_on_the_same_key_neither_puts_the_sealing_off_nor_takes_the_credit() -> (
    None
):
    world = World()
    older = world.told_of(world.bucket.put("digits/a", b"one"))
    newer = replace(world.told_of(world.bucket.put("digits/a", b"two")), principal="AWS:EVE")
    accept_drop(world.ports, newer)
    timer = world.store.seal_timer("digits")
    world.clock.pass_by(seconds=30)
    accept_drop(world.ports, older)
    assert world.store.seal_timer("digits") == timer
    assert world.store.drop(older.bucket, older.key, older.version_id) == older


def test_an_event_of_a_version_that_is_gone_seals_what_is_there() -> None:
    world = World()
    kept = world.drop("digits/kept")
    gone = world.bucket.put("digits/gone", b"x")
    world.bucket.delete_version(gone)
    accept_drop(world.ports, world.told_of(gone))
    world.grow_quiet()
    data = world.store.head("digits").data
    assert data is not None
    assert world.store.datasets_of_object(kept.bucket, kept.key, kept.version_id, 10) == (data.dataset,)
    assert data.dataset.objects == 1


def test_a_delete_is_a_change_of_the_data_too() -> None:
    world = World()
    world.drop("digits/a")
    world.grow_quiet()
    world.delete("digits/a")
    timer = world.store.seal_timer("digits")
    assert timer is not None
    assert timer.due is not None


def test_an_object_outside_every_prefix_is_refused_once_with_the_prefixes_to_choose_from() -> None:
    world = World()
    drop = world.drop("elsewhere/train.csv")
    accept_drop(world.ports, drop)
    (notice,) = world.store.notices(10)
    assert notice.kind is Outcome.REFUSED
    assert "elsewhere/train.csv lies outside every project's data prefix (digits/)" in notice.sentence
    assert notice.details == (f"elsewhere/train.csv (version {drop.version_id})",)
    assert len(world.store.pending_announcements()) == 1


def test_an_empty_object_that_would_be_sealed_by_itself_is_refused_and_starts_nothing() -> None:
    world = sealing_each_by_itself()
    world.drop("digits/train.csv", b"")
    (notice,) = world.store.notices(10)
    assert "digits/train.csv is empty" in notice.sentence
    assert world.store.seal_timer("digits") is None


def test_an_empty_object_is_told_of_once_whatever_else_follows_until_it_is_replaced() -> None:
    world = World()
    for key, content in (("digits/a", b""), ("digits/b", b"good"), ("digits/c", b"good")):
        world.drop(key, content)
        world.grow_quiet()
    (notice,) = world.store.notices(10)
    assert notice.details == ("digits/a is empty: upload it again, or delete it",)
    world.drop("digits/a", b"")
    world.grow_quiet()
    assert len(world.store.notices(10)) == 2
    world.drop("digits/a", b"good at last")
    world.grow_quiet()
    data = world.store.head("digits").data
    assert data is not None
    assert data.dataset.objects == 3
    assert len(world.store.notices(10)) == 2


def test_all_that_is_empty_when_a_prefix_is_sealed_is_told_of_together() -> None:
    world = World()
    for key in ("digits/a", "digits/b"):
        world.drop(key, b"")
    world.grow_quiet()
    (notice,) = world.store.notices(10)
    assert [line.partition(" ")[0] for line in notice.details] == ["digits/a", "digits/b"]
    world.drop("digits/a", b"good")
    world.grow_quiet()
    latest, _ = world.store.notices(10)
    assert [line.partition(" ")[0] for line in latest.details] == ["digits/b"]


@pytest.mark.parametrize("key", ["digits/", "digits/test/", "digits/_SUCCESS"])
def test_folders_and_markers_are_not_data_and_nothing_to_complain_of(key: str) -> None:
    world = World()
    world.drop(key, b"")
    assert world.store.notices(10) == ()
    assert world.store.seal_timer("digits") is None


def test_many_objects_outside_every_prefix_are_one_notice_a_folder_and_hour() -> None:
    world = World()
    for key in ("elsewhere/a", "elsewhere/deep/b", "other/c", "d"):
        world.drop(key)
    assert len(world.store.notices(10)) == 3
    world.clock.pass_by(hours=1)
    world.drop("elsewhere/a")
    notices = world.store.notices(10)
    assert len(notices) == 4
    assert "Others like it below elsewhere/ are told of once an hour." in notices[0].sentence


def test_many_empty_objects_are_one_notice_and_another_than_that_of_the_folders_strangers() -> None:
    world = sealing_each_by_itself()
    for key in ("digits/a", "digits/b", "elsewhere/a"):
        world.drop(key, b"")
    assert len(world.store.notices(10)) == 2


def test_an_object_of_another_bucket_is_not_taken_for_ours_though_its_key_could_be() -> None:
    world = World()
    listed = world.bucket.put("digits/a", b"one")
    foreign = replace(world.told_of(listed), bucket="somebody-elses-bucket")
    accept_drop(world.ports, foreign)
    accept_drop(world.ports, replace(foreign, deleted=True))
    assert world.store.seal_timer("digits") is None
    assert world.store.drop(foreign.bucket, foreign.key, foreign.version_id) is None
    (notice,) = world.store.notices(10)
    assert (notice.kind, notice.project) == (Outcome.REFUSED, None)
    assert notice.sentence.startswith("s3://somebody-elses-bucket/digits/a was told of here")
    assert "takes data from training-bucket alone" in notice.sentence
