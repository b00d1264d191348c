from __future__ import annotations

from dataclasses import replace

from dropforge.domain.congestion import EVERY_TYPE, Congestion
from dropforge.workflow.ports import MetadataStore
from tests.contract.records import later

FULL = Congestion("ml.m5.large", 2, later(minutes=1), 8)
THROTTLED = Congestion(EVERY_TYPE, 1, later(seconds=5), None)


def test_there_is_one_note_for_each_scope_and_the_last_one_stays(store: MetadataStore) -> None:
    assert store.congestion() == ()
    for note in (FULL, THROTTLED, replace(FULL, refusals=3)):
        store.note_congestion(note)
    assert set(store.congestion()) == {replace(FULL, refusals=3), THROTTLED}


def test_a_forgotten_note_is_gone_and_forgetting_twice_is_no_error(store: MetadataStore) -> None:
    store.note_congestion(FULL)
    for _ in range(2):
        store.forget_congestion(FULL.scope)
    assert store.congestion() == ()
