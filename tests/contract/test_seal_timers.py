from __future__ import annotations

from dataclasses import replace

from dropforge.domain.drop import ObjectDropped
from dropforge.domain.head import SealTimer
from dropforge.workflow.ports import MOST_DUE, MetadataStore
from tests.contract.records import NOON, later

LONG_KEY = "digits/" + "é" * 508
DROP = ObjectDropped("training-bucket", LONG_KEY, "v1", 7, "0055AED6DCD90281E5", "AWS:ADA", "203.0.113.17", NOON)


def test_each_drop_is_counted_and_moves_the_due_time(store: MetadataStore) -> None:
    assert store.touch_seal("digits", "ada", NOON, later(seconds=60)).revision == 1
    again = store.touch_seal("digits", "bob", later(seconds=5), later(seconds=65))
    assert again == SealTimer("digits", 2, later(seconds=5), "bob", later(seconds=65))
    assert store.seal_timer("digits") == again


def test_the_last_drop_is_the_latest_one_whatever_the_order_in_which_they_are_told(store: MetadataStore) -> None:
    store.touch_seal("digits", "ada", later(seconds=9), later(seconds=69))
    late = store.touch_seal("digits", "bob", NOON, later(seconds=70))
    assert late == SealTimer("digits", 2, later(seconds=9), "ada", later(seconds=70))
    assert store.seal_timer("digits") == late
    same = store.touch_seal("digits", "bob", later(seconds=9), later(seconds=71))
    assert same == SealTimer("digits", 3, later(seconds=9), "bob", later(seconds=71))


def test_a_project_without_drops_has_no_timer(store: MetadataStore) -> None:
    assert store.seal_timer("digits") is None
    assert not store.clear_seal(SealTimer("digits", 1, NOON, "ada", NOON))


def test_a_timer_is_cleared_only_if_no_drop_was_counted_since(store: MetadataStore) -> None:
    before = store.touch_seal("digits", "ada", NOON, later(seconds=60))
    latest = store.touch_seal("digits", "ada", later(seconds=1), later(seconds=61))
    assert not store.clear_seal(before)
    assert store.seal_timer("digits") == latest
    assert store.clear_seal(latest)
    assert store.seal_timer("digits") == replace(latest, due=None)


def test_a_revision_never_goes_back(store: MetadataStore) -> None:
    store.clear_seal(store.touch_seal("digits", "ada", NOON, NOON))
    assert store.touch_seal("digits", "ada", later(days=1), later(days=1)).revision == 2


def test_due_seals_are_those_whose_time_has_come(store: MetadataStore) -> None:
    now = store.touch_seal("digits", "ada", NOON, later(seconds=60))
    store.touch_seal("cancer", "ada", NOON, later(seconds=61))
    store.clear_seal(store.touch_seal("iris", "ada", NOON, NOON))
    assert store.due_seals(later(seconds=60)) == (now,)


def test_what_one_look_brings_up_is_the_earliest_and_bounded(store: MetadataStore) -> None:
    timers = [
        store.touch_object("digits", replace(DROP, version_id=f"v{number}"), later(seconds=number))
        for number in range(MOST_DUE + 1)
    ]
    assert store.due_seals(later(days=1)) == tuple(timers[:-1])


def test_timers_of_a_project_that_nobody_asks_for_keep_no_other_project_from_coming_up(store: MetadataStore) -> None:
    for number in range(MOST_DUE):
        store.touch_object("gone", replace(DROP, version_id=f"v{number}"), NOON)
    timer = store.touch_seal("digits", "ada", NOON, later(seconds=1))
    assert store.due_seals(later(seconds=1), {"digits", "cancer"}) == (timer,)


def test_an_object_that_is_sealed_by_itself_has_a_timer_of_its_own_and_counts_as_a_drop(store: MetadataStore) -> None:
    store.touch_seal("digits", "bob", NOON, later(seconds=60))
    timer = store.touch_object("digits", DROP, later(seconds=1))
    assert timer == SealTimer("digits", 2, later(seconds=1), "AWS:ADA from 203.0.113.17", later(seconds=1), DROP.ref)
    assert store.seal_timer("digits", DROP.ref) == timer
    whole = store.seal_timer("digits")
    assert whole is not None
    assert (whole.revision, whole.due) == (2, later(seconds=60))
    assert store.due_seals(later(seconds=1)) == (timer,)


def test_who_dropped_an_object_is_on_record_as_soon_as_its_timer_is_set(store: MetadataStore) -> None:
    store.touch_object("digits", DROP, NOON)
    assert store.drop(DROP.bucket, DROP.key, DROP.version_id) == DROP
    store.touch_object("digits", replace(DROP, principal="AWS:BOB"), later(seconds=9))
    assert store.drop(DROP.bucket, DROP.key, DROP.version_id) == DROP


def test_who_dropped_an_object_that_the_sweep_set_a_timer_for_is_recorded_when_it_is_told(store: MetadataStore) -> None:
    timer = store.touch_object("digits", replace(DROP, sequencer="", principal="unknown"), NOON)
    for by in (DROP.principal, "AWS:BOB"):
        assert store.touch_object("digits", replace(DROP, principal=by), later(seconds=9)) == timer
    assert store.drop(DROP.bucket, DROP.key, DROP.version_id) == DROP


def test_a_drop_that_is_told_of_again_leaves_its_timer_as_it_is(store: MetadataStore) -> None:
    timer = store.touch_object("digits", DROP, NOON)
    assert store.touch_object("digits", DROP, later(seconds=9)) == timer
    assert store.clear_seal(timer)
    assert store.touch_object("digits", DROP, later(seconds=9)) == replace(timer, due=None)
    other = store.touch_object("digits", replace(DROP, version_id="v2"), later(seconds=9))
    assert other.revision > timer.revision


def test_only_its_holder_seals_a_revision_and_no_tick_wakes_anybody_for_it(store: MetadataStore) -> None:
    timer = store.touch_seal("digits", "ada", NOON, NOON)
    assert store.hold_seal(timer, "one", NOON, later(minutes=15))
    assert store.hold_seal(timer, "one", later(minutes=1), later(minutes=15))
    assert not store.hold_seal(timer, "two", later(minutes=1), later(minutes=16))
    assert store.due_seals(later(minutes=1)) == ()
    assert store.seal_timer("digits") == timer


def test_a_hold_that_ran_out_leaves_the_revision_to_others_and_to_the_tick(store: MetadataStore) -> None:
    timer = store.touch_seal("digits", "ada", NOON, NOON)
    store.hold_seal(timer, "one", NOON, later(minutes=15))
    assert store.due_seals(later(minutes=15)) == (timer,)
    assert store.hold_seal(timer, "two", later(minutes=15), later(minutes=30))


def test_a_revision_that_is_given_back_is_due_at_once(store: MetadataStore) -> None:
    timer = store.touch_object("digits", DROP, NOON)
    store.hold_seal(timer, "one", NOON, later(minutes=15))
    store.release_seal(timer)
    assert store.due_seals(later(seconds=1)) == (timer,)
    assert store.hold_seal(timer, "two", later(seconds=1), later(minutes=15))


def test_a_later_drop_is_sealed_by_whoever_comes_first(store: MetadataStore) -> None:
    before = store.touch_seal("digits", "ada", NOON, NOON)
    store.hold_seal(before, "one", NOON, later(minutes=15))
    latest = store.touch_seal("digits", "ada", later(seconds=1), later(seconds=2))
    assert store.due_seals(later(seconds=2)) == (latest,)
    assert not store.hold_seal(before, "one", later(seconds=2), later(minutes=15))
    assert store.hold_seal(latest, "two", later(seconds=2), later(minutes=15))
    store.release_seal(before)
    assert store.seal_timer("digits") == latest


def test_what_was_sealed_is_held_by_nobody(store: MetadataStore) -> None:
    timer = store.touch_seal("digits", "ada", NOON, NOON)
    store.clear_seal(timer)
    assert not store.hold_seal(timer, "one", NOON, later(minutes=15))
