"""A drop that no event told of reaches its run, whatever befalls the sweep that finds it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from weakref import WeakSet

import pytest

from dropforge.domain.artifact_layout import manifest_key
from dropforge.domain.dataset import ListedObject
from dropforge.domain.project import SealMode, SealPolicy
from dropforge.workflow.accept_drop import accept_drop
from dropforge.workflow.find_drops import FOUND, READ_AT_ONCE, find_drops
from dropforge.workflow.seal_dataset import seal_dataset, wake_due_seals
from dropforge.workflow.sweep import sweep
from tests.fakes.interruption import CutOff, Interruption, interrupted
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.world import DIGITS, World, stage_of


def unheard_of(mode: SealMode) -> World:
    """An object was dropped, with a marker where one seals, and no event told of either."""
    world = World(stage_of(replace(DIGITS, seal=SealPolicy(mode, quiet_seconds=60))))
    world.push()
    world.bucket.put("digits/a", b"unheard of")
    if mode is SealMode.MARKER:
        world.clock.pass_by(seconds=1)
        world.bucket.put("digits/_SUCCESS", b"")
    world.clock.pass_by(minutes=10)
    return world


def come_round(world: World) -> None:
    """Three sweeps, with the minutes between them."""
    for _ in range(3):
        sweep(world.ports)
        world.clock.pass_by(minutes=15)
        wake_due_seals(world.ports)
        world.seal_woken()
        seal_dataset(world.ports, "digits")


@pytest.mark.parametrize("after", [False, True], ids=["before its effect", "after its effect"])
@pytest.mark.parametrize("mode", SealMode)
def test_a_sweep_that_is_killed_at_any_call_loses_no_drop(mode: SealMode, after: bool) -> None:
    for at in count():
        world, interruption = unheard_of(mode), Interruption(at, after)
        with suppress(CutOff):
            sweep(interrupted(world.ports, interruption))
        if not interruption.happened:
            assert at > 10
            break
        come_round(world)
        assert len(world.store.runs) == 1, f"killed at {interruption.calls[at]}"


@pytest.mark.parametrize("mode", [SealMode.MARKER, SealMode.OBJECT])
def test_what_a_killed_sweep_found_is_not_owed_for_ever_when_it_is_replaced_before_the_next(mode: SealMode) -> None:
    key = "digits/_SUCCESS" if mode is SealMode.MARKER else "digits/a"
    for at in count():
        world, interruption = unheard_of(mode), Interruption(at, after=False)
        with suppress(CutOff):
            sweep(interrupted(world.ports, interruption))
        if not interruption.happened:
            break
        world.drop(key, b"anew")
        world.clock.pass_by(minutes=10)
        come_round(world)
        assert world.store.due_seals(world.clock.now()) == (), f"killed at {interruption.calls[at]}"


@pytest.mark.parametrize("mode", SealMode)
def test_a_call_that_fails_once_in_the_sweep_loses_no_drop(mode: SealMode) -> None:
    def fail() -> None:
        raise ConnectionError("AWS did not answer")

    for at in count():
        world, interruption = unheard_of(mode), Interruption(at, after=False, strike=fail)
        failing = interrupted(world.ports, interruption)
        try:
            sweep(failing)
        except Exception:  # noqa: BLE001  (the queue delivers it again, whatever it was)
            sweep(failing)
        if not interruption.happened:
            break
        come_round(world)
        assert len(world.store.runs) == 1, f"failed at {interruption.calls[at]}"


def trained(*keys: str) -> World:
    """A prefix whose objects were sealed and trained on, a while ago."""
    world = World(stage_of(DIGITS))
    world.push()
    for key in keys:
        world.drop(key)
    come_round(world)
    return world


def last_trained_on(world: World) -> list[tuple[str, bytes]]:
    """Keys and contents of the head's data."""
    data = world.store.head("digits").data
    assert data is not None
    manifest = world.bucket.manifest(manifest_key("digits", data.dataset.version))
    return [(each.key, world.bucket.content(each.listed)) for each in manifest.objects]


def test_what_is_there_again_since_its_successor_was_deleted_for_good_is_trained_on_again() -> None:
    world = trained("digits/a")
    latest = world.bucket.put("digits/a", b"in its place")
    come_round(world)
    assert last_trained_on(world) == [("digits/a", b"in its place")]
    world.bucket.delete_version(latest)
    come_round(world)
    assert last_trained_on(world) == [("digits/a", b"data")]


def test_what_is_there_again_since_its_delete_marker_was_removed_is_trained_on_again() -> None:
    world = trained("digits/a", "digits/b")
    marker = world.bucket.delete("digits/a")
    come_round(world)
    assert last_trained_on(world) == [("digits/b", b"data")]
    world.bucket.delete_version(marker)
    come_round(world)
    assert last_trained_on(world) == [("digits/a", b"data"), ("digits/b", b"data")]


def test_a_prefix_that_is_as_it_was_sealed_is_not_sealed_again() -> None:
    world = trained("digits/a", "digits/b")
    before = world.store.seal_timer("digits")
    come_round(world)
    assert world.store.seal_timer("digits") == before


def test_what_was_sealed_a_moment_ago_is_not_held_against_what_was_there_before() -> None:
    world = trained("digits/a")
    world.drop("digits/b")
    world.grow_quiet()
    before = world.store.seal_timer("digits")
    sweep(world.ports)
    assert world.store.seal_timer("digits") == before


def test_data_that_went_back_to_an_earlier_version_a_moment_ago_is_not_sealed_once_more() -> None:
    world = trained("digits/a")
    world.drop("digits/b")
    come_round(world)
    world.delete("digits/b")
    world.grow_quiet()
    assert last_trained_on(world) == [("digits/a", b"data")]
    before = world.store.seal_timer("digits")
    for _ in range(3):
        sweep(world.ports)
        world.clock.pass_by(minutes=4)
    assert world.store.seal_timer("digits") == before


def test_what_is_found_while_more_comes_does_not_seal_before_it_is_quiet() -> None:
    world = trained("digits/a")
    world.bucket.put("digits/unheard-of", b"lost")
    for minute in range(10):
        world.drop(f"digits/{minute}")
        world.clock.pass_by(seconds=50)
    sweep(world.ports)
    timer = world.store.seal_timer("digits")
    assert timer is not None
    assert timer.due is not None
    assert timer.due > world.clock.now()
    assert world.store.drop(world.bucket.name, "digits/unheard-of", "digits/unheard-of@1") is not None


@pytest.mark.parametrize("mode", SealMode)
def test_an_event_that_comes_after_the_sweep_has_found_its_object_says_who_dropped_it(mode: SealMode) -> None:
    world = World(stage_of(replace(DIGITS, seal=SealPolicy(mode, quiet_seconds=60))))
    late = world.told_of(world.bucket.put("digits/a", b"late"))
    world.clock.pass_by(minutes=10)
    sweep(world.ports)
    found = world.store.drop(world.bucket.name, late.key, late.version_id)
    assert found is not None
    assert found.by == FOUND
    for _ in range(2):
        accept_drop(world.ports, late)
        assert world.store.drop(world.bucket.name, late.key, late.version_id) == late


class WideBucket(MemoryBucket):
    """A prefix of so many objects, listed as they are asked for; `most_held` are alive at once."""

    def __init__(self, world: World, objects: int) -> None:
        super().__init__(world.clock.now)
        self._objects = objects
        self._held = WeakSet[ListedObject]()
        self.most_held = 0

    def current_objects(self, prefix: str, at: datetime) -> Iterator[ListedObject]:
        is_now = at > self._now() - timedelta(hours=1)
        for number in range(self._objects):
            if is_now or number % 3:
                listed = ListedObject(f"{prefix}{number:06}", f"v{number}" if number % 5 or is_now else "v0", 1)
                self._held.add(listed)
                self.most_held = max(self.most_held, len(self._held))
                yield listed


def test_a_prefix_of_any_size_is_gone_through_with_few_of_its_objects_held() -> None:
    world = World()
    bucket = WideBucket(world, 3_000)
    find_drops(replace(world.ports, bucket=bucket), world.ports.stage.project("digits"))
    came = [number for number in range(3_000) if number % 3 == 0 or (number % 5 == 0 and number)]
    assert sorted(key for _, key, _ in world.store.drops) == [f"digits/{number:06}" for number in came]
    assert bucket.most_held <= 3 * READ_AT_ONCE
    (notice,) = world.store.notices(10)
    assert notice.subject == f"digits: {len(came):,} objects were found that no event told of"
    assert notice.details == tuple(f"digits/{number:06}" for number in came[:20])
