from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropforge.domain.dataset import ChannelSize, Dataset, Manifest, ObjectVersion
from dropforge.domain.errors import InvalidDocumentError

TRAIN = ObjectVersion("training", "digits/train.csv", "v1", 5, "a" * 64)
TEST = ObjectVersion("test", "digits/test/é.csv", "v2", 7, "b" * 64)


@given(st.permutations([TRAIN, TEST, ObjectVersion("test", "digits/test/a", "v3", 1, "c" * 64)]))
def test_the_order_of_listing_does_not_change_a_version(objects: list[ObjectVersion]) -> None:
    assert Manifest.of("bucket", objects) == Manifest.of("bucket", sorted(objects, key=lambda each: each.key))


def test_keys_that_differ_only_in_unicode_form_make_different_versions() -> None:
    composed = ObjectVersion("training", "digits/\u00e9", "v1", 1, "a" * 64)
    decomposed = ObjectVersion("training", "digits/e\u0301", "v1", 1, "a" * 64)
    assert Manifest.of("bucket", [composed]).version != Manifest.of("bucket", [decomposed]).version


def test_the_prefix_of_a_manifest_is_what_all_its_keys_begin_with() -> None:
    assert Manifest.of("bucket", [TRAIN, TEST]).prefix == "digits/t"
    assert Manifest.of("bucket", [TRAIN]).prefix == TRAIN.key


def test_the_file_of_a_manifest_reads_back() -> None:
    manifest = Manifest.of("bucket", [TRAIN, TEST])
    assert Manifest.from_bytes(manifest.to_bytes()) == manifest


def test_a_broken_file_is_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidDocumentError, match="restore"):
        Manifest.from_bytes(b"\xff")


def test_a_dataset_sums_up_its_channels() -> None:
    dataset = Dataset.of("digits", Manifest.of("bucket", [TRAIN, TEST, TRAIN]), datetime(2026, 1, 1, tzinfo=UTC))
    assert dataset.channels == {"training": ChannelSize(2, 10), "test": ChannelSize(1, 7)}
    assert (dataset.objects, dataset.bytes) == (3, 17)
