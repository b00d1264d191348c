from __future__ import annotations

from dropforge.adapters.events.stream import announcement_to_send_in
from tests.unit.adapters.recorded_events import event


def test_a_new_pending_announcement_is_to_be_sent() -> None:
    inserted, *_ = event("dynamodb_stream")["Records"]
    key = announcement_to_send_in(inserted)
    assert key is not None
    assert (key.kind.value, key.subject, key.sequence) == ("run", "0123456789abcdef0123", 4)


def test_a_lease_a_mark_as_sent_a_removal_and_other_items_are_not() -> None:
    _, *others = event("dynamodb_stream")["Records"]
    assert [announcement_to_send_in(each) for each in others] == [None] * len(others)
