"""Sealing by a marker and by object: what enters, and that nothing is lost or doubled."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from dropforge.domain.artifact_layout import channel_files_key
from dropforge.domain.head import WaitsFor
from dropforge.domain.project import Project, SealMode, SealPolicy
from dropforge.workflow.accept_drop import accept_drop
from dropforge.workflow.project_status import project_status
from dropforge.workflow.seal_dataset import seal_dataset, wake_due_seals
from tests.fakes.world import DIGITS, World, stage_of


def sealing(mode: SealMode) -> Project:
    return replace(DIGITS, seal=SealPolicy(mode))


def by_marker() -> World:
    return World(stage_of(sealing(SealMode.MARKER)))


def by_object() -> World:
    return World(stage_of(sealing(SealMode.OBJECT)))


def keys_trained_on(world: World) -> list[list[str]]:
    runs = sorted(world.store.runs.values(), key=lambda run: run.requested_at)
    return [
        sorted(key for (_, key, _), members in world.store.memberships.items() if run.dataset.version in members)
        for run in runs
    ]


def test_objects_wait_for_their_marker_however_long_it_takes() -> None:
    world = by_marker()
    world.push()
    world.drop("digits/a")
    world.clock.pass_by(days=30)
    wake_due_seals(world.ports)
    assert (world.wakeups.seals, world.store.datasets) == ([], {})
    world.drop("digits/_SUCCESS", b"")
    world.seal_woken()
    assert keys_trained_on(world) == [["digits/a"]]


def test_what_comes_after_a_marker_is_not_in_its_version_but_in_the_next_markers() -> None:
    world = by_marker()
    world.push()
    world.drop("digits/a", b"one")
    world.drop("digits/_SUCCESS", b"")
    world.clock.pass_by(seconds=2)
    world.drop("digits/a", b"two")
    world.drop("digits/b")
    world.seal_woken()
    (first,) = world.store.runs.values()
    assert world.bucket.files_of(channel_files_key("digits", first.dataset.version, "training")) == {"a": b"one"}
    world.clock.pass_by(seconds=2)
    world.drop("digits/_SUCCESS", b"")
    world.seal_woken()
    assert keys_trained_on(world) == [["digits/a"], ["digits/a", "digits/b"]]


def test_two_markers_in_a_row_are_two_versions_even_when_the_first_is_sealed_late() -> None:
    world = by_marker()
    world.push()
    for name in ("a", "b"):
        world.drop(f"digits/{name}")
        world.drop("digits/done/_SUCCESS", b"")
        world.clock.pass_by(seconds=2)
    world.wakeups.sealed_alone.reverse()
    world.seal_woken()
    assert sorted(keys_trained_on(world)) == [["digits/a"], ["digits/a", "digits/b"]]
    head = world.store.head("digits").data
    assert head is not None
    assert head.dataset.objects == 2


def test_a_manifest_names_what_belongs_to_the_version() -> None:
    world = by_marker()
    world.push()
    for name in ("train/a", "train/b", "other"):
        world.drop(f"digits/{name}")
    world.drop("digits/_MANIFEST", json.dumps(["train/a", "other"]).encode())
    world.seal_woken()
    assert keys_trained_on(world) == [["digits/other", "digits/train/a"]]


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        (b'["a", "missing"]', "names digits/missing, which is not there: upload it first"),
        (b"not json", "digits/_MANIFEST is no JSON list of keys below digits/: write one"),
        (b"[1]", "is no JSON list of keys"),
    ],
)
def test_a_manifest_that_cannot_be_followed_is_refused_with_the_reason(choice: bytes, sentence: str) -> None:
    world = by_marker()
    world.push()
    world.drop("digits/a")
    world.drop("digits/_MANIFEST", choice)
    world.seal_woken()
    (notice,) = world.store.notices(10)
    assert sentence in notice.sentence
    assert world.store.runs == {}


def test_a_manifest_that_was_deleted_for_good_is_refused_with_that_reason() -> None:
    world = by_marker()
    world.drop("digits/a")
    listed = world.bucket.put("digits/_MANIFEST", b'["a"]')
    accept_drop(world.ports, world.told_of(listed))
    world.bucket.delete_version(listed)
    world.seal_woken()
    (notice,) = world.store.notices(10)
    assert "digits/_MANIFEST was deleted for good" in notice.sentence
    assert world.wakeups.sealed_alone == []


def test_a_marker_that_is_taken_away_seals_nothing() -> None:
    world = by_marker()
    world.push()
    world.drop("digits/a")
    world.delete("digits/_SUCCESS")
    assert world.wakeups.sealed_alone == []


def test_each_object_is_a_version_of_its_own_and_trains_by_itself() -> None:
    world = by_object()
    world.push()
    for name in ("a", "b", "test/c"):
        world.drop(f"digits/{name}")
    world.seal_woken()
    assert sorted(keys_trained_on(world)) == [["digits/a"], ["digits/b"], ["digits/test/c"]]
    assert len(world.bucket.copies) == 3


def test_an_object_that_is_told_of_twice_trains_once() -> None:
    world = by_object()
    world.push()
    drop = world.drop("digits/a")
    accept_drop(world.ports, drop)
    world.seal_woken()
    accept_drop(world.ports, drop)
    world.seal_woken()
    assert len(world.store.runs) == 1
    assert world.wakeups.sealed_alone == []


def test_of_two_versions_of_one_object_both_train_and_the_later_stays_the_head() -> None:
    world = by_object()
    world.push()
    first = world.told_of(world.bucket.put("digits/a", b"one"))
    second = world.told_of(world.bucket.put("digits/a", b"two"))
    for drop in (second, first):
        accept_drop(world.ports, drop)
    world.seal_woken()
    assert len(world.store.runs) == 2
    head = world.store.head("digits").data
    assert head is not None
    assert world.bucket.files_of(channel_files_key("digits", head.dataset.version, "training")) == {"a": b"two"}


def test_an_object_that_was_found_without_an_event_becomes_the_head() -> None:
    world = by_object()
    world.push()
    world.drop("digits/a", b"one")
    found = replace(world.told_of(world.bucket.put("digits/a", b"two")), sequencer="")
    accept_drop(world.ports, found)
    world.seal_woken()
    head = world.store.head("digits").data
    assert head is not None
    assert world.bucket.files_of(channel_files_key("digits", head.dataset.version, "training")) == {"a": b"two"}


def test_a_deleted_object_is_no_data_of_its_own() -> None:
    world = by_object()
    world.push()
    world.delete("digits/a")
    assert world.wakeups.sealed_alone == []


def test_an_object_that_was_deleted_for_good_before_it_was_sealed_is_refused_with_that_reason() -> None:
    world = by_object()
    world.push()
    listed = world.bucket.put("digits/a", b"one")
    accept_drop(world.ports, world.told_of(listed))
    world.bucket.delete_version(listed)
    world.seal_woken()
    (notice,) = world.store.notices(10)
    assert "digits/a was deleted for good before it could be sealed" in notice.sentence
    assert world.store.runs == {}
    assert world.store.due_seals(world.clock.now() + timedelta(days=1)) == ()


def test_objects_that_come_before_an_image_wait_for_it() -> None:
    world = by_object()
    world.drop("digits/a")
    world.seal_woken()
    assert project_status(world.ports, "digits").waits_for is WaitsFor.IMAGE
    world.push()
    assert keys_trained_on(world) == [["digits/a"]]


def test_a_lost_wake_up_of_an_object_is_healed_and_one_on_its_way_is_not_doubled() -> None:
    world = by_object()
    world.drop("digits/a")
    world.wakeups.sealed_alone.clear()
    wake_due_seals(world.ports)
    assert world.wakeups.sealed_alone == []
    world.clock.pass_by(minutes=2)
    wake_due_seals(world.ports)
    world.seal_woken()
    assert len(world.store.datasets) == 1


def test_two_thousand_objects_make_two_thousand_versions_each_copied_once() -> None:
    world = by_object()
    world.push()
    for number in range(2_000):
        world.drop(f"digits/{number}", b"%d" % number)
    world.seal_woken()
    assert len(world.store.datasets) == len(world.store.runs) == len(world.bucket.copies) == 2_000
    assert world.store.due_seals(world.clock.now() + timedelta(days=1)) == ()


def test_when_ops_change_the_mode_what_waits_is_still_sealed() -> None:
    world = World()
    world.push()
    world.drop("digits/a")
    world.ports = replace(world.ports, stage=stage_of(sealing(SealMode.OBJECT)))
    world.clock.pass_by(seconds=61)
    seal_dataset(world.ports, "digits")
    assert keys_trained_on(world) == [["digits/a"]]
