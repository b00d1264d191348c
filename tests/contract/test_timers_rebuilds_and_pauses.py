from __future__ import annotations

from dataclasses import replace

import pytest

from dropforge.domain.head import Pause, Rebuild, SealTimer
from dropforge.domain.run import Requester, RequesterKind
from dropforge.workflow.ports import ConflictError, MetadataStore
from tests.contract.records import NOON, later

REBUILD = Rebuild("digits", "sha256:" + "ab" * 32, Requester(RequesterKind.DROP, "AWS:ADA"), NOON)


def test_each_drop_is_counted_and_moves_the_due_time(store: MetadataStore) -> None:
    assert store.touch_seal("digits", "ada", NOON, later(seconds=60)).revision == 1
    again = store.touch_seal("digits", "bob", later(seconds=5), later(seconds=65))
    assert again == SealTimer("digits", 2, later(seconds=5), "bob", later(seconds=65))
    assert store.seal_timer("digits") == again


def test_a_project_without_drops_has_no_timer(store: MetadataStore) -> None:
    assert store.seal_timer("digits") is None
    assert not store.clear_seal("digits", 1)


def test_a_timer_is_cleared_only_if_no_drop_was_counted_since(store: MetadataStore) -> None:
    before = store.touch_seal("digits", "ada", NOON, later(seconds=60))
    latest = store.touch_seal("digits", "ada", later(seconds=1), later(seconds=61))
    assert not store.clear_seal("digits", before.revision)
    assert store.seal_timer("digits") == latest
    assert store.clear_seal("digits", latest.revision)
    assert store.seal_timer("digits") == replace(latest, due=None)


def test_a_revision_never_goes_back(store: MetadataStore) -> None:
    store.clear_seal("digits", store.touch_seal("digits", "ada", NOON, NOON).revision)
    assert store.touch_seal("digits", "ada", later(days=1), later(days=1)).revision == 2


def test_due_seals_are_those_whose_time_has_come(store: MetadataStore) -> None:
    now = store.touch_seal("digits", "ada", NOON, later(seconds=60))
    store.touch_seal("cancer", "ada", NOON, later(seconds=61))
    store.clear_seal("iris", store.touch_seal("iris", "ada", NOON, NOON).revision)
    assert store.due_seals(later(seconds=60)) == (now,)


def test_the_first_record_of_a_rebuild_stays(store: MetadataStore) -> None:
    assert store.record_rebuild(REBUILD) == REBUILD
    assert store.record_rebuild(replace(REBUILD, requested_at=later(days=1))) == REBUILD
    assert store.rebuild("digits", REBUILD.dataset_version) == REBUILD
    assert store.rebuild("cancer", REBUILD.dataset_version) is None


def test_a_rebuild_is_unstarted_until_its_execution_is_known(store: MetadataStore) -> None:
    store.record_rebuild(REBUILD)
    assert store.unstarted_rebuilds() == (REBUILD,)
    store.rebuild_started("digits", REBUILD.dataset_version, "execution-1")
    assert store.unstarted_rebuilds() == ()
    assert store.rebuild("digits", REBUILD.dataset_version) == replace(REBUILD, execution_id="execution-1")


def test_the_first_image_that_claims_a_rebuild_stands_for_it(store: MetadataStore) -> None:
    store.record_rebuild(REBUILD)
    assert store.claim_rebuild("digits", REBUILD.dataset_version, "sha256:01").image_digest == "sha256:01"
    assert store.claim_rebuild("digits", REBUILD.dataset_version, "sha256:02").image_digest == "sha256:01"


def test_a_rebuild_that_is_not_on_record_cannot_be_claimed(store: MetadataStore) -> None:
    with pytest.raises(ConflictError):
        store.claim_rebuild("digits", REBUILD.dataset_version, "sha256:01")
    assert store.rebuild("digits", REBUILD.dataset_version) is None


def test_pauses_of_a_project_and_of_the_stage_are_apart(store: MetadataStore) -> None:
    project, stage = Pause("digits", "ada", NOON), Pause(None, "bob", NOON)
    store.set_pause(project)
    assert (store.pause("digits"), store.pause(None), store.pause("cancer")) == (project, None, None)
    store.set_pause(stage)
    store.clear_pause("digits")
    store.clear_pause("digits")
    assert (store.pause("digits"), store.pause(None)) == (None, stage)
