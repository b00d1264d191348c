from __future__ import annotations

from dataclasses import replace

import pytest

from dropforge.adapters.dynamodb.catalog import membership_item
from dropforge.adapters.dynamodb.store import DynamoMetadataStore
from dropforge.adapters.dynamodb.tables import Tables
from dropforge.domain.dataset import Checksum, ChecksumSource, ListedObject, ObjectVersion
from dropforge.domain.drop import ObjectDropped
from dropforge.domain.head import ProjectHead, SealedData
from dropforge.workflow.ports import MetadataStore
from tests.contract.records import NOON, a_dataset, an_image, later

ODD_KEYS = [
    "digits/train/march 2026+1.csv",
    "digits/train/a%2Fb#c.csv",
    "digits/train/caf\u00e9.csv",
    "digits/train/cafe\u0301.csv",
    "digits/train/\U0001f33e/../x.csv",
    "digits/" + "k" * 1017,
]


def dropped(key: str = "digits/a.csv", version: str = "v1", by: str = "AWS:ADA") -> ObjectDropped:
    return ObjectDropped("training-bucket", key, version, 7, "0055AED6DCD90281E5", by, "203.0.113.17", NOON)


def member(key: str, version: str = "v1") -> ObjectVersion:
    return ObjectVersion("train", key, version, 7, "ab" * 32)


def test_a_project_begins_with_an_empty_head(store: MetadataStore) -> None:
    assert store.head("digits") == ProjectHead("digits")


def test_whichever_half_comes_second_sees_the_first(store: MetadataStore) -> None:
    image, data = an_image(), SealedData(a_dataset(), 1)
    assert store.advance_image(image) == ProjectHead("digits", image, first_build=image.execution_id)
    assert store.advance_data(data) == ProjectHead("digits", image, data, owes_run=True, first_build=image.execution_id)
    assert store.head("digits") == ProjectHead("digits", image, data, owes_run=True, first_build=image.execution_id)


def test_a_head_owes_a_run_until_that_of_its_own_revision_is_settled(store: MetadataStore) -> None:
    store.advance_data(SealedData(a_dataset("v1"), 1))
    store.advance_data(SealedData(a_dataset("v2"), 2))
    store.settle_data("digits", 1)
    assert store.head("digits").owes_run
    store.settle_data("digits", 2)
    assert not store.head("digits").owes_run
    store.advance_data(SealedData(a_dataset("v1"), 1))
    assert not store.head("digits").owes_run


def test_an_image_of_an_earlier_execution_is_kept_but_does_not_become_the_head(store: MetadataStore) -> None:
    new, old = an_image("c2", started=later(minutes=1)), an_image("c1")
    store.advance_image(new)
    assert store.advance_image(old).image == new
    assert store.image("digits", old.digest) == old


def test_another_build_of_the_same_execution_becomes_the_head(store: MetadataStore) -> None:
    store.advance_image(an_image("c1"))
    assert store.advance_image(an_image("c2")).image == an_image("c2")


def test_data_of_an_earlier_or_the_same_revision_does_not_become_the_head(store: MetadataStore) -> None:
    latest = SealedData(a_dataset("v2"), 2)
    store.advance_data(latest)
    assert store.advance_data(SealedData(a_dataset("v1"), 1)).data == latest
    assert store.advance_data(SealedData(a_dataset("v3"), 2)).data == latest


def test_what_each_execution_built_is_kept_though_the_image_is_the_same(store: MetadataStore) -> None:
    early = replace(an_image("c1"), execution_id="early")
    late = replace(early, commit="c2", execution_id="late", execution_started_at=later(minutes=1))
    store.advance_image(late)
    store.advance_image(early)
    assert (store.build("digits", "early"), store.build("digits", "late")) == (early, late)
    assert store.image("digits", early.digest) == late
    assert store.build("digits", "never") is None


def test_a_head_remembers_which_build_was_its_first(store: MetadataStore) -> None:
    for commit in ("c1", "c2", "c1"):
        assert store.advance_image(an_image(commit)).first_build == "execution-of-c1"


def test_heads_of_projects_are_apart(store: MetadataStore) -> None:
    store.advance_image(an_image())
    assert store.head("cancer") == ProjectHead("cancer")


def test_an_unknown_image_or_dataset_is_none(store: MetadataStore) -> None:
    assert store.image("digits", "sha256:00") is None
    assert store.dataset("digits", "sha256:00") is None


def test_the_first_record_of_a_dataset_stays(store: MetadataStore) -> None:
    first = a_dataset()
    store.put_dataset(first, [member("digits/a.csv")])
    store.put_dataset(replace(first, sealed_at=later(hours=1)), [member("digits/a.csv")])
    assert store.dataset("digits", first.version) == first


@pytest.mark.parametrize("key", ODD_KEYS)
def test_datasets_are_found_by_the_exact_object_that_they_hold(store: MetadataStore, key: str) -> None:
    dataset = a_dataset()
    store.put_dataset(dataset, [member(key), member("digits/other.csv")])
    assert store.datasets_of_object("training-bucket", key, "v1", 10) == (dataset,)
    assert store.datasets_of_object("training-bucket", key, None, 10) == (dataset,)
    assert store.datasets_of_object("training-bucket", key, "v2", 10) == ()
    assert store.datasets_of_object("training-bucket", key[:-1], None, 10) == ()


def test_a_version_id_that_begins_like_another_is_another(store: MetadataStore) -> None:
    store.put_dataset(a_dataset(), [member("digits/a.csv", "v11")])
    assert store.datasets_of_object("training-bucket", "digits/a.csv", "v1", 10) == ()


def test_all_datasets_of_an_object_are_found_across_its_versions(store: MetadataStore) -> None:
    for name, version in (("d1", "v1"), ("d2", "v1"), ("d3", "v2")):
        store.put_dataset(a_dataset(name), [member("digits/a.csv", version)])
    store.record_drop("digits", dropped())
    found = store.datasets_of_object("training-bucket", "digits/a.csv", None, 10)
    assert {each.version for each in found} == {a_dataset(name).version for name in ("d1", "d2", "d3")}
    assert len(store.datasets_of_object("training-bucket", "digits/a.csv", "v1", 10)) == 2


def test_of_the_datasets_of_an_object_those_sealed_last_come_first_and_no_more_than_asked_for(
    store: MetadataStore,
) -> None:
    names = ["d3", "d1", "d4", "d2"]
    datasets = [replace(a_dataset(name), sealed_at=later(hours=number)) for number, name in enumerate(names)]
    for dataset in datasets:
        store.put_dataset(dataset, [member("digits/a.csv", "v1" if dataset is not datasets[2] else "v2")])
    of_key = store.datasets_of_object("training-bucket", "digits/a.csv", None, 3)
    assert of_key == (datasets[3], datasets[2], datasets[1])
    of_version = store.datasets_of_object("training-bucket", "digits/a.csv", "v1", 2)
    assert of_version == (datasets[3], datasets[1])


@pytest.mark.local
def test_a_dataset_whose_recording_was_cut_off_and_done_again_is_found_once(tables: Tables) -> None:
    store = DynamoMetadataStore(tables)
    cut_off, again = a_dataset(), replace(a_dataset(), sealed_at=later(minutes=15))
    tables.put_all([membership_item(cut_off, member("digits/a.csv"))])
    store.put_dataset(again, [member("digits/a.csv")])
    for version in ("v1", None):
        assert store.datasets_of_object("training-bucket", "digits/a.csv", version, 10) == (again,)


def test_a_dataset_of_many_objects_is_recorded_whole(store: MetadataStore) -> None:
    keys = [f"digits/train/{number}.csv" for number in range(130)]
    store.put_dataset(a_dataset(), [member(key) for key in keys])
    assert all(store.datasets_of_object("training-bucket", key, "v1", 10) for key in (keys[0], keys[64], keys[129]))


@pytest.mark.parametrize("key", ODD_KEYS)
def test_who_dropped_an_object_first_is_kept(store: MetadataStore, key: str) -> None:
    store.record_drop("digits", dropped(key))
    store.record_drop("digits", dropped(key, by="AWS:EVE"))
    assert store.drop("training-bucket", key, "v1") == dropped(key)
    assert store.drop("training-bucket", key, "v2") is None


@pytest.mark.parametrize("key", ODD_KEYS)
def test_who_dropped_an_object_replaces_what_was_found_of_it_once(store: MetadataStore, key: str) -> None:
    found = replace(dropped(key, by="unknown"), sequencer="")
    for drop in (found, replace(found, principal="still unknown")):
        store.record_drop("digits", drop)
    assert store.drop("training-bucket", key, "v1") == found
    for drop in (dropped(key), dropped(key, by="AWS:EVE"), found):
        store.record_drop("digits", drop)
    assert store.drop("training-bucket", key, "v1") == dropped(key)
    assert store.drops_of([found.ref]) == {found.ref: dropped(key)}


def test_who_deleted_an_object_for_good_is_not_taken_for_who_dropped_it(store: MetadataStore) -> None:
    found, deleted = replace(dropped(by="unknown"), sequencer=""), replace(dropped(by="AWS:EVE"), deleted=True)
    for drop in (found, deleted):
        store.record_drop("digits", drop)
    assert store.drop("training-bucket", "digits/a.csv", "v1") == found


def test_what_was_found_is_on_record_as_what_was_told_is(store: MetadataStore) -> None:
    store.record_drop("digits", replace(dropped(), sequencer=""))
    listed = ListedObject("digits/a.csv", "v1", 7)
    assert store.dropped("training-bucket", [listed]) == frozenset([listed])


def test_of_many_objects_those_are_known_whose_drop_is_on_record(store: MetadataStore) -> None:
    listed = [ListedObject(f"digits/{number}", "v1", 7) for number in range(201)]
    for each in listed[::2]:
        store.record_drop("digits", dropped(each.key))
    store.record_checksum("training-bucket", listed[1], Checksum("cd" * 32, ChecksumSource.COMPUTED))
    assert store.dropped("training-bucket", listed) == frozenset(listed[::2])
    assert store.dropped("training-bucket", ()) == frozenset()


def test_of_the_drops_of_one_key_the_latest_is_known_in_whatever_order_they_came(store: MetadataStore) -> None:
    first, second = replace(dropped(version="v1"), sequencer="0A"), replace(dropped(version="v2"), sequencer="0A1")
    assert store.latest_version("training-bucket", "digits/a.csv") is None
    assert store.note_latest(second)
    assert not store.note_latest(first)
    assert store.note_latest(second)
    assert store.latest_version("training-bucket", "digits/a.csv") == "v2"
    assert store.note_latest(replace(first, key="digits/b.csv"))


def test_a_drop_without_a_sequencer_is_never_taken_for_an_old_one(store: MetadataStore) -> None:
    store.note_latest(dropped(version="v1"))
    assert store.note_latest(replace(dropped(version="v2"), sequencer=""))


def test_checksums_are_given_for_those_objects_alone_of_which_they_are_known(store: MetadataStore) -> None:
    listed = [ListedObject(f"digits/{number}.csv", "v1", number) for number in range(230)]
    known = Checksum("cd" * 32, ChecksumSource.STORED)
    store.record_drop("digits", dropped("digits/7.csv"))
    store.record_checksum("training-bucket", listed[3], known)
    store.record_checksum("training-bucket", listed[229], known)
    assert store.checksums("training-bucket", listed) == {listed[3]: known, listed[229]: known}


def test_a_checksum_and_a_drop_of_the_same_version_do_not_disturb_each_other(store: MetadataStore) -> None:
    listed, known = ListedObject("digits/a.csv", "v1", 7), Checksum("cd" * 32, ChecksumSource.COMPUTED)
    store.record_checksum("training-bucket", listed, known)
    store.record_drop("digits", dropped())
    assert store.checksums("training-bucket", [listed]) == {listed: known}
    assert store.drop("training-bucket", "digits/a.csv", "v1") == dropped()


def test_images_and_datasets_are_found_by_digest_in_whichever_projects_have_them(store: MetadataStore) -> None:
    for project in ("digits", "cancer"):
        store.advance_image(an_image("c1", project=project))
        store.put_dataset(a_dataset("v1", project=project), [])
    store.advance_image(an_image("c1", project="not-asked-for"))
    asked, none = ["digits", "cancer", "empty"], "sha256:" + "0" * 64
    images = store.images_of_digest(asked, an_image("c1").digest)
    assert {image.project for image in images} == {"digits", "cancer"}
    datasets = store.datasets_of_version(asked, a_dataset("v1").version)
    assert {dataset.project for dataset in datasets} == {"digits", "cancer"}
    assert (store.images_of_digest(asked, none), store.datasets_of_version(asked, none)) == ((), ())


def test_who_dropped_many_object_versions_is_known_of_those_that_were_told_of(store: MetadataStore) -> None:
    drops = [dropped(key, by=f"AWS:{number}") for number, key in enumerate(ODD_KEYS)]
    for drop in drops:
        store.record_drop("digits", drop)
    unknown = dropped("digits/never-told-of.csv").ref
    assert store.drops_of([unknown, *(drop.ref for drop in drops)]) == {drop.ref: drop for drop in drops}
