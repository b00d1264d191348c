from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dropforge.domain.dataset import DataMoved
from dropforge.domain.project import PinMode, PinPolicy, SealMode, SealPolicy
from dropforge.domain.run import Run, RunStatus
from dropforge.workflow.accept_drop import accept_drop
from dropforge.workflow.verify_dataset import verify_dataset
from tests.fakes.world import DIGITS, World, stage_of

VERIFYING = replace(DIGITS, pin=PinPolicy(PinMode.VERIFY))


def trained(world: World) -> Run:
    world.push()
    world.drop("digits/a", b"one")
    world.drop("digits/b", b"two")
    world.grow_quiet()
    world.dispatch()
    return world.only_run()


def test_data_that_stayed_has_not_moved() -> None:
    world = World(stage_of(VERIFYING))
    run = trained(world)
    world.bucket.put("digits/c", b"new, and not of this run")
    assert verify_dataset(world.ports, run) is None


@pytest.mark.parametrize("change", ["replace", "delete", "delete for good"])
def test_an_object_that_was_replaced_or_deleted_meanwhile_is_named(change: str) -> None:
    world = World(stage_of(VERIFYING))
    run = trained(world)
    listed = next(each for each in world.bucket.current_objects("digits/", world.clock.now()) if each.key == "digits/b")
    match change:
        case "replace":
            world.bucket.put("digits/b", b"two")
        case "delete":
            world.bucket.delete("digits/b")
        case _:
            world.bucket.delete_version(listed)
    assert verify_dataset(world.ports, run) == DataMoved(1, ("digits/b",))


def test_an_object_that_s3_dates_later_than_the_functions_clock_has_moved_all_the_same() -> None:
    world = World(stage_of(VERIFYING))
    run = trained(world)
    world.clock.pass_by(minutes=3)
    world.bucket.put("digits/b", b"changed")
    world.clock.pass_by(minutes=-3)
    assert verify_dataset(world.ports, run) == DataMoved(1, ("digits/b",))


def test_data_that_moved_without_an_event_is_sealed_again_and_trains_afresh() -> None:
    world = World(stage_of(VERIFYING))
    run = trained(world)
    world.bucket.put("digits/b", b"changed")
    verify_dataset(world.ports, run)
    assert world.wakeups.seals[-1] == ("digits", timedelta(seconds=60))
    world.grow_quiet()
    assert len({each.dataset.version for each in world.store.runs.values()}) == 2


def test_data_that_moved_with_an_event_makes_one_fresh_run_and_no_more() -> None:
    world = World(stage_of(VERIFYING))
    run = trained(world)
    accept_drop(world.ports, world.told_of(world.bucket.put("digits/b", b"changed")))
    world.grow_quiet()
    verify_dataset(world.ports, run)
    world.grow_quiet()
    assert len(world.store.runs) == 2


def test_pinned_copies_are_not_looked_at() -> None:
    world = World()
    run = trained(world)
    world.bucket.put("digits/b", b"changed")
    assert verify_dataset(world.ports, run) is None
    assert world.store.seal_timer("digits") == replace(world.store.timers["digits"], due=None)


def test_where_a_marker_seals_the_next_marker_brings_the_fresh_run() -> None:
    world = World(stage_of(replace(VERIFYING, seal=SealPolicy(SealMode.MARKER))))
    world.push()
    world.drop("digits/a", b"one")
    world.drop("digits/_SUCCESS", b"")
    world.seal_woken()
    world.clock.pass_by(seconds=2)
    world.bucket.put("digits/a", b"changed")
    seals = list(world.wakeups.seals)
    assert verify_dataset(world.ports, world.only_run()) == DataMoved(1, ("digits/a",))
    assert world.wakeups.seals == seals


def test_the_record_and_the_mail_of_a_run_say_that_its_data_moved() -> None:
    world = World(stage_of(VERIFYING))
    run = trained(world)
    world.bucket.put("digits/b", b"changed")
    finished = world.finish(run)
    assert finished.status is RunStatus.COMPLETED
    assert finished.result is not None
    assert finished.result.moved == DataMoved(1, ("digits/b",))
    world.deliver_announcements()
    assert "the data moved while this run trained" in world.mailbox.mails[-1][0].body
    world.grow_quiet()
    assert len(world.store.runs) == 2


def test_of_many_objects_that_moved_the_first_are_named_and_all_are_counted() -> None:
    moved = DataMoved.of([f"digits/{number}" for number in range(2020)])
    assert moved is not None
    assert (moved.objects, len(moved.keys)) == (2020, 20)
    assert moved.sentence.endswith("and 2,000 more")
