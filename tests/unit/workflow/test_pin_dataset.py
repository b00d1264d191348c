from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest

from dropforge.domain.artifact_layout import channel_files_key, manifest_key, origin_key
from dropforge.domain.dataset import Checksum, Dataset, ListedObject
from dropforge.domain.pinning import Pin
from dropforge.domain.project import PinMode, PinPolicy
from dropforge.workflow.accept_drop import accept_drop
from dropforge.workflow.ports import Ports
from dropforge.workflow.seal_dataset import Turn, seal_dataset
from tests.fakes.interruption import CutOff, Interruption, interrupted
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.world import DIGITS, World, stage_of


class HugeBucket(MemoryBucket):
    """Each object is said to have 60 GB."""

    def current_objects(self, prefix: str, at: datetime) -> Iterator[ListedObject]:
        return (replace(each, size=60 * 10**9) for each in super().current_objects(prefix, at))


class SlowBucket(MemoryBucket):
    """Each copy takes a minute."""

    def __init__(self, world: World) -> None:
        super().__init__(world.clock.now)
        self._world = world

    def copy_all(self, pins: Iterable[Pin], enough: Callable[[], bool]) -> Iterator[tuple[Pin, Checksum]]:
        for done in super().copy_all(pins, enough):
            self._world.clock.pass_by(minutes=1)
            yield done


def slow_world() -> World:
    world = World()
    world.bucket = SlowBucket(world)
    world.ports = replace(world.ports, bucket=world.bucket)
    return world


def head_of(world: World) -> Dataset:
    data = world.store.head("digits").data
    assert data is not None
    return data.dataset


def files_of(world: World, dataset: Dataset, channel: str = "training") -> dict[str, bytes]:
    return world.bucket.files_of(channel_files_key("digits", dataset.version, channel))


def test_a_thousand_objects_and_one_more_are_a_thousand_and_one_copies() -> None:
    world = World()
    for number in range(1000):
        world.drop(f"digits/{number}", b"%d" % number)
    world.grow_quiet()
    first = head_of(world)
    world.drop("digits/more")
    world.grow_quiet()
    assert len(world.bucket.copies) == 1001
    assert len(files_of(world, head_of(world))) == 1001
    assert len(files_of(world, first)) == 1000


def test_what_a_job_is_given_of_a_version_never_changes_whatever_later_versions_hold() -> None:
    world = World()
    world.drop("digits/a", b"one")
    world.drop("digits/b", b"kept")
    world.grow_quiet()
    first = head_of(world)
    world.drop("digits/a", b"two")
    world.grow_quiet()
    second = head_of(world)
    world.delete("digits/a")
    world.grow_quiet()
    assert files_of(world, first) == {"a": b"one", "b": b"kept"}
    assert files_of(world, second) == {"a": b"two", "b": b"kept"}
    assert files_of(world, head_of(world)) == {"b": b"kept"}


def test_a_replaced_object_begins_a_new_pool_of_its_channel_and_of_no_other() -> None:
    world = World()
    for key in ("digits/train/a", "digits/train/b", "digits/test/c"):
        world.drop(key, b"one")
    world.grow_quiet()
    before = len(world.bucket.copies)
    world.drop("digits/train/a", b"two")
    world.grow_quiet()
    copied = world.bucket.copies[before:]
    assert sorted(copied) == [f"datasets/digits/pools/train/000001/{name}" for name in ("a", "b")]


def test_keys_that_have_the_same_name_in_the_job_one_after_the_other_are_kept_apart() -> None:
    world = World()
    world.drop("digits/a", b"loose")
    world.grow_quiet()
    first = head_of(world)
    world.delete("digits/a")
    world.drop("digits/training/a", b"in the folder")
    world.grow_quiet()
    assert files_of(world, first) == {"a": b"loose"}
    assert files_of(world, head_of(world)) == {"a": b"in the folder"}


def test_where_time_runs_short_a_further_call_goes_on_and_nothing_is_copied_twice() -> None:
    world = slow_world()
    for number in range(60):
        world.drop(f"digits/{number}")
    world.clock.pass_by(seconds=61)
    calls = 0
    for calls in count(1):
        world.wakeups.seals.clear()
        turn = Turn(f"call {calls}", world.clock.now() + timedelta(minutes=13))
        if seal_dataset(world.ports, "digits", turn=turn) is not None:
            break
        assert world.store.datasets == {}
        assert world.wakeups.seals == [("digits", timedelta(0))]
    assert calls == 5
    assert len(world.bucket.copies) == len(set(world.bucket.copies)) == 60


def test_while_one_call_copies_no_other_does_the_same_and_a_killed_one_is_succeeded() -> None:
    world = World()
    world.drop("digits/a")
    world.clock.pass_by(seconds=61)
    timer = world.store.seal_timer("digits")
    assert timer is not None
    world.store.hold_seal(timer, "killed", world.clock.now(), world.clock.now() + timedelta(minutes=15))
    assert seal_dataset(world.ports, "digits", turn=Turn("another")) is None
    world.clock.pass_by(minutes=15)
    assert seal_dataset(world.ports, "digits", turn=Turn("another")) is not None


def test_killed_at_any_call_no_job_ever_sees_half_of_a_version() -> None:
    for at in count():
        world = World()
        world.push()
        for number in range(3):
            world.drop(f"digits/{number}", b"%d" % number)
        world.clock.pass_by(seconds=61)
        interruption = Interruption(at, after=False)
        try:
            seal_dataset(interrupted(world.ports, interruption), "digits")
        except CutOff:
            for dataset in world.store.datasets.values():
                assert len(files_of(world, dataset)) == 3, interruption.calls[at]
        if not interruption.happened:
            break
        seal_dataset(world.ports, "digits")
        assert len(files_of(world, head_of(world))) == 3, interruption.calls[at]
        assert len(world.store.runs) == 1, interruption.calls[at]


def test_data_that_was_cut_off_before_its_run_is_not_forgotten_when_more_comes() -> None:
    for at in count():
        world = World()
        world.push()
        world.drop("digits/a")
        world.clock.pass_by(seconds=61)
        interruption = Interruption(at, after=True)
        with suppress(CutOff):
            seal_dataset(interrupted(world.ports, interruption), "digits")
        world.drop("digits/b")
        world.grow_quiet()
        if not interruption.happened:
            break
        trained = {run.dataset.version for run in world.store.runs.values()}
        assert head_of(world).version in trained, interruption.calls[at]
        if "advance_data" in interruption.calls[: at + 1]:
            assert trained == {version for _, version in world.store.datasets}, interruption.calls[at]


def test_an_object_that_is_replaced_while_it_is_copied_is_copied_as_it_was() -> None:
    world = World()
    world.push()
    world.drop("digits/a", b"one")
    world.clock.pass_by(seconds=61)

    def replace_it(ports: Ports) -> None:
        accept_drop(ports, world.told_of(world.bucket.put("digits/a", b"two")))

    interruption = Interruption(0, after=False, strike=lambda: None)
    calls = interrupted(world.ports, interruption)
    seal_dataset(calls, "digits")
    at = interruption.calls.index("copy_all")
    world = World()
    world.push()
    world.drop("digits/a", b"one")
    world.clock.pass_by(seconds=61)
    interruption = Interruption(at, after=False, strike=lambda: replace_it(world.ports))
    sealed = seal_dataset(interrupted(world.ports, interruption), "digits")
    assert sealed is not None
    assert files_of(world, sealed) == {"a": b"one"}
    world.grow_quiet()
    assert files_of(world, head_of(world)) == {"a": b"two"}
    assert len(world.store.runs) == 2


def test_an_object_that_is_deleted_for_good_while_it_is_copied_is_left_out_at_the_next_try() -> None:
    world = World()
    kept, gone = world.drop("digits/kept"), world.bucket.put("digits/gone", b"x")
    accept_drop(world.ports, world.told_of(gone))
    world.clock.pass_by(seconds=61)
    interruption = Interruption(0, after=False, strike=lambda: None)
    seal_dataset(interrupted(world.ports, interruption), "digits", turn=Turn(ends=world.clock.now()))
    at = interruption.calls.index("copy_all")
    interruption = Interruption(at, after=False, strike=lambda: world.bucket.delete_version(gone))
    assert seal_dataset(interrupted(world.ports, interruption), "digits") is None
    dataset = seal_dataset(world.ports, "digits")
    assert dataset is not None
    assert files_of(world, dataset) == {kept.key.removeprefix("digits/"): b"data"}


AWKWARD = [
    "a b",
    "a+b",
    "%2F",
    "a%2Fb",
    "\U0001f600",
    "\u00e9",
    "e\u0301",
    "tab\there",
    "ctrl\x01",
    "a=b&c?d#e",
    "-rf",
    "...",
]


def test_awkward_names_reach_the_job_as_they_are_and_unicode_forms_stay_apart() -> None:
    world = World()
    for name in AWKWARD:
        world.drop(f"digits/train/{name}", name.encode())
    world.grow_quiet()
    assert files_of(world, head_of(world), "train") == {name: name.encode() for name in AWKWARD}


def test_a_key_of_1024_bytes_is_refused_with_the_reason_where_it_is_to_be_copied_and_kept() -> None:
    world = World()
    key = "digits/" + "k" * 200 + "/" + ("é" * 99 + "/") * 4 + "x" * 20
    assert len(key.encode()) == 1024
    world.drop(key)
    world.grow_quiet()
    (notice,) = world.store.notices(10)
    assert "too long to be copied" in notice.sentence
    assert key in world.bucket.versions


def test_the_record_says_who_when_and_whose_word_each_checksum_is_beside_the_name() -> None:
    world = World()
    world.bucket.kept_checksums.add("digits/a")
    world.drop("digits/a")
    world.drop("digits/b")
    world.grow_quiet()
    dataset = head_of(world)
    assert dataset.origin is not None
    assert (dataset.origin.by, dataset.origin.cut_off) == ("AWS:ADA from 192.0.2.7", world.clock.now())
    assert dataset.origin.checksums == {"copied": 1, "stored": 1}
    beside = json.loads(world.bucket.artifacts[origin_key("digits", dataset.version)])
    assert beside["origin"]["by"] == "AWS:ADA from 192.0.2.7"
    manifest = world.bucket.artifacts[manifest_key("digits", dataset.version)]
    assert dataset.version == f"sha256:{hashlib.sha256(manifest).hexdigest()}"
    assert b"ADA" not in manifest


def verifying(limit: int = 1) -> World:
    return World(stage_of(replace(DIGITS, pin=PinPolicy(PinMode.VERIFY, copy_limit_gb=limit))))


def test_what_is_to_be_verified_is_read_where_it_lies_and_neither_copied_nor_hashed() -> None:
    world = verifying()
    world.bucket.kept_checksums.add("digits/test/a")
    world.drop("digits/test/a", b"one")
    world.drop("digits/b", b"two")
    world.grow_quiet()
    dataset = head_of(world)
    assert world.bucket.copies == []
    assert files_of(world, dataset) == {"b": b"two"}
    assert files_of(world, dataset, "test") == {"a": b"one"}
    assert dataset.origin is not None
    assert (dataset.is_verified, dataset.origin.checksums) == (True, {"none": 1, "stored": 1})
    hashes = [each.sha256 for each in world.bucket.manifest(manifest_key("digits", dataset.version)).objects]
    assert hashes == [hashlib.sha256(b"one").hexdigest(), None]


def test_too_much_data_to_copy_is_refused_with_a_sentence_that_offers_verify() -> None:
    world = World()
    world.bucket = HugeBucket(world.clock.now)
    world.ports = replace(world.ports, bucket=world.bucket)
    world.drop("digits/a")
    world.grow_quiet()
    (notice,) = world.store.notices(10)
    assert "60.0 GB" in notice.sentence
    assert "`pin: {mode: verify}`" in notice.sentence
    assert world.bucket.copies == []


@pytest.mark.parametrize("keys", [("digits/a", "digits/training/b")])
def test_one_channel_in_two_places_cannot_be_read_where_it_lies(keys: tuple[str, ...]) -> None:
    world = verifying()
    for key in keys:
        world.drop(key)
    world.grow_quiet()
    (notice,) = world.store.notices(10)
    assert "move digits/a, and what lies beside it, into that folder" in notice.sentence
