from __future__ import annotations

from dataclasses import replace

import pytest

from dropforge.domain.head import Pause, Rebuild, StartDelay
from dropforge.domain.run import Requester, RequesterKind
from dropforge.workflow.ports import ConflictError, MetadataStore
from tests.contract.records import NOON, later

REBUILD = Rebuild("digits", "sha256:" + "ab" * 32, Requester(RequesterKind.DROP, "AWS:ADA"), NOON)


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


def test_a_rebuild_that_is_put_off_stays_unstarted_and_one_that_was_started_is_not_put_off(
    store: MetadataStore,
) -> None:
    store.record_rebuild(REBUILD)
    first, second = StartDelay(1, later(seconds=30)), StartDelay(2, later(minutes=2))
    for delay in (first, second):
        store.delay_rebuild("digits", REBUILD.dataset_version, delay)
        assert store.unstarted_rebuilds() == (replace(REBUILD, delay=delay),)
    store.rebuild_started("digits", REBUILD.dataset_version, "execution-1")
    store.delay_rebuild("digits", REBUILD.dataset_version, first)
    assert store.unstarted_rebuilds() == ()
    assert store.rebuild("digits", REBUILD.dataset_version) == replace(
        REBUILD, execution_id="execution-1", delay=second
    )


def test_a_rebuild_that_nobody_recorded_cannot_be_put_off(store: MetadataStore) -> None:
    store.delay_rebuild("digits", REBUILD.dataset_version, StartDelay(1, NOON))
    assert store.rebuild("digits", REBUILD.dataset_version) is None


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
