from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from dropforge.adapters.events.members import EventError
from dropforge.adapters.events.s3 import apart, drop_in
from dropforge.domain.drop import ObjectDropped
from tests.unit.adapters.recorded_events import body


def the_drop_in(message: str) -> ObjectDropped:
    drop = drop_in(message)
    assert drop is not None
    return drop


def test_a_notification_is_read_whole_and_its_key_is_decoded() -> None:
    assert drop_in(body("s3_notification_put")) == ObjectDropped(
        bucket="dropforge-dev-training",
        key="digits/train/march 2026+1.csv",
        version_id="096fKKXTRTtl3on89fVO.nfljtsv6qko",
        size=48213,
        sequencer="0055AED6DCD90281E5",
        principal="AWS:AIDAEXAMPLEPRINCIPAL",
        address="203.0.113.17",
        at=datetime(2026, 3, 2, 9, 15, 27, 418000, tzinfo=UTC),
    )


def test_every_record_of_a_message_is_read_whatever_its_minor_version() -> None:
    multipart, copied = map(the_drop_in, apart(body("s3_notification_several_records")))
    assert (multipart.size, multipart.deleted) == (6_442_450_944, False)
    assert copied.version_id == "3HL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY"


def test_each_record_comes_apart_so_that_one_that_cannot_be_read_holds_up_none_of_its_neighbours() -> None:
    (later,) = json.loads(body("s3_notification_from_a_later_major_version"))["Records"]
    first, second = json.loads(body("s3_notification_several_records"))["Records"]
    good, bad, also_good = apart(json.dumps({"Records": [first, later, second]}))
    assert [drop.key for drop in (drop_in(good), drop_in(also_good)) if drop] == [
        "digits/train/a/b%2Fc.csv",
        "digits/train/caf\u00e9-cafe\u0301-\U0001f33e.csv",
    ]
    with pytest.raises(EventError, match=r"version 3\.0"):
        drop_in(bad)


def test_keys_keep_their_exact_characters() -> None:
    multipart, copied = map(the_drop_in, apart(body("s3_notification_several_records")))
    assert multipart.key == "digits/train/a/b%2Fc.csv"
    assert copied.key == "digits/train/caf\u00e9-cafe\u0301-\U0001f33e.csv"


def test_an_empty_object_has_size_zero() -> None:
    drop = the_drop_in(body("s3_notification_empty_object"))
    assert drop.size == 0
    assert not drop.deleted


def test_an_object_put_without_versioning_has_the_version_null() -> None:
    drop = the_drop_in(body("s3_notification_unversioned"))
    assert drop.version_id == "null"


def test_a_delete_marker_is_a_deletion_without_size() -> None:
    drop = the_drop_in(body("s3_notification_delete_marker"))
    assert (drop.deleted, drop.size, drop.version_id) == (True, 0, "gone.version")


def test_the_test_event_that_s3_sends_tells_of_no_drop() -> None:
    assert drop_in(body("s3_test_event")) is None


def test_eventbridge_keys_are_taken_as_they_are() -> None:
    drop = the_drop_in(body("s3_eventbridge_created"))
    assert drop.key == "digits/train/march 2026+1.csv"
    assert (drop.principal, drop.address) == ("111122223333", "198.51.100.7")
    assert drop.version_id == "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e"


def test_eventbridge_tells_of_deletions_without_etag_size_or_address() -> None:
    drop = the_drop_in(body("s3_eventbridge_deleted"))
    assert (drop.deleted, drop.size, drop.address) == (True, 0, "")


def test_other_news_of_eventbridge_tells_of_no_drop() -> None:
    assert drop_in(body("s3_eventbridge_restored")) is None


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        ("not json", "not JSON"),
        ("[]", "not an object"),
        ("{}", "no Records"),
        ('{"Records": []}', "not the one record"),
        ('{"Records": "one"}', "not the one record"),
        ('{"Records": [{"eventVersion": "2.1"}]}', "no eventName"),
        (body("s3_notification_from_a_later_major_version"), "version 3.0"),
    ],
)
def test_what_cannot_be_read_is_an_error_that_names_what_is_wrong(message: str, complaint: str) -> None:
    with pytest.raises(EventError, match=complaint):
        list(map(drop_in, apart(message)))
