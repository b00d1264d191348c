"""An announcement as an item: flat, since its state and lease are changed where they lie."""

from __future__ import annotations

from datetime import datetime

from dropforge.adapters import table_layout as layout
from dropforge.adapters.dynamodb.items import Item, Scalar, item
from dropforge.domain.announcement import Announcement, AnnouncementKey, AnnouncementState, Outcome, SubjectKind
from dropforge.domain.encoding import time_text


def announcement_key(key: AnnouncementKey) -> layout.Key:
    return layout.announcement(key.kind.value, key.subject, key.sequence)


def announcement_item(announcement: Announcement) -> dict[str, Scalar]:
    """While it is PENDING it is in the index of what is due, which is also what the table's stream is filtered by."""
    key, at, lease = announcement.key, time_text(announcement.at), announcement.leased_until
    pending = announcement.state is AnnouncementState.PENDING
    return item(
        announcement_key(key),
        {
            "subject_kind": key.kind.value,
            "subject": key.subject,
            "sequence": key.sequence,
            "project": announcement.project,
            "outcome": announcement.outcome.value,
            "at": at,
            "state": announcement.state.value,
            "leased_until": None if lease is None else time_text(lease),
            layout.BY_DUE.partition_key: layout.PENDING if pending else None,
            layout.BY_DUE.sort_key: f"{at}#{key.subject}#{key.sequence}" if pending else None,
        },
    )


def announcement_in(found: Item) -> Announcement:
    lease, project = found.get("leased_until"), found.get("project")
    return Announcement(
        key=AnnouncementKey(SubjectKind(found["subject_kind"]), str(found["subject"]), int(found["sequence"])),
        project=None if project is None else str(project),
        outcome=Outcome(found["outcome"]),
        at=datetime.fromisoformat(str(found["at"])),
        state=AnnouncementState(found["state"]),
        leased_until=None if lease is None else datetime.fromisoformat(str(lease)),
    )
