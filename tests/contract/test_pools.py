from __future__ import annotations

import pytest

from dropforge.domain.dataset import Checksum, ChecksumSource, ListedObject
from dropforge.domain.pinning import Binding, Pin
from dropforge.workflow.ports import MetadataStore
from tests.contract.test_catalog import ODD_KEYS

KNOWN = Checksum("cd" * 32, ChecksumSource.COPIED)


def a_pin(name: str = "a.csv", version: str = "v1", pool: int = 0) -> Pin:
    return Pin(ListedObject(f"digits/{name}", version, 7), f"datasets/digits/pools/training/{pool:06d}/{name}")


def test_a_channel_begins_with_pool_0_and_each_is_followed_once(store: MetadataStore) -> None:
    assert store.pool("digits", "training") == 0
    assert store.next_pool("digits", "training", after=0) == 1
    assert store.next_pool("digits", "training", after=0) == 1
    assert store.next_pool("digits", "training", after=1) == 2
    assert (store.pool("digits", "training"), store.pool("digits", "test")) == (2, 0)


def test_a_key_is_bound_once_and_for_ever(store: MetadataStore) -> None:
    first = a_pin()
    assert store.bind([first]) == {first.to_key: Binding(first.listed)}
    assert store.bind([a_pin(version="v2")]) == {first.to_key: Binding(first.listed)}
    assert store.bind([first]) == {first.to_key: Binding(first.listed)}


def test_while_one_key_is_bound_to_something_else_none_is_newly_bound(store: MetadataStore) -> None:
    store.bind([a_pin()])
    store.bind([a_pin(version="v2"), a_pin("b.csv")])
    other = a_pin("b.csv", version="v9")
    assert store.bind([other]) == {other.to_key: Binding(other.listed)}


def test_copies_that_are_there_are_known_with_their_checksum(store: MetadataStore) -> None:
    done, waiting = a_pin("a.csv"), a_pin("b.csv")
    store.bind([done, waiting])
    store.record_copies([(done, KNOWN)])
    expected = {done.to_key: Binding(done.listed, KNOWN), waiting.to_key: Binding(waiting.listed)}
    assert store.bind([done, waiting]) == expected


def test_hundreds_of_keys_are_bound_at_once(store: MetadataStore) -> None:
    pins = [a_pin(f"{number}.csv") for number in range(230)]
    assert len(store.bind(pins)) == 230
    store.record_copies([(pin, KNOWN) for pin in pins])
    assert all(binding.checksum == KNOWN for binding in store.bind(pins).values())


@pytest.mark.parametrize("name", ODD_KEYS)
def test_awkward_names_are_bound_as_they_are(store: MetadataStore, name: str) -> None:
    pin = a_pin(name[:900])
    assert store.bind([pin]) == {pin.to_key: Binding(pin.listed)}
