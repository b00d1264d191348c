"""Notices, and what people are told of."""

from __future__ import annotations

from datetime import datetime

from dropforge.adapters import table_layout as layout
from dropforge.adapters.dynamodb.announcement_items import announcement_in, announcement_item, announcement_key
from dropforge.adapters.dynamodb.items import Item, Scalar, item, text_of, value_of
from dropforge.adapters.dynamodb.tables import ABSENT, Question, Tables
from dropforge.domain.announcement import Announcement, AnnouncementKey, AnnouncementState
from dropforge.domain.encoding import time_text
from dropforge.domain.notice import Notice
from dropforge.workflow.ports import ConflictError


class DynamoAnnouncements:
    """Implements `ports.Announcements`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def put_notice(self, notice: Notice) -> bool:
        announcement = announcement_item(notice.announcement())
        writes = [self._tables.put_write(each, ABSENT) for each in (notice_item(notice), announcement)]
        try:
            self._tables.transact(writes)
        except ConflictError:
            if self._tables.get(layout.notice(notice.id)) is None:
                raise
            return False
        return True

    def notice(self, notice_id: str) -> Notice | None:
        found = self._tables.get(layout.notice(notice_id))
        return None if found is None else notice_in(found)

    def notices(self, limit: int) -> tuple[Notice, ...]:
        question = Question(layout.NOTICES, layout.BY_PROJECT, newest_first=True, limit=limit)
        return tuple(map(notice_in, self._tables.query(question)))

    def announcement(self, key: AnnouncementKey) -> Announcement | None:
        found = self._tables.get(announcement_key(key))
        return None if found is None else announcement_in(found)

    def lease_announcement(self, key: AnnouncementKey, now: datetime, until: datetime) -> Announcement | None:
        after = self._tables.update(
            announcement_key(key),
            "SET #leased_until = :until",
            {":until": time_text(until), ":now": time_text(now), ":pending": AnnouncementState.PENDING.value},
            # `Announcement.is_free`
            "#state = :pending AND (attribute_not_exists(#leased_until) OR #leased_until <= :now)",
        )
        return None if after is None else announcement_in(after)

    def release_announcement(self, key: AnnouncementKey) -> None:
        pending = {":pending": AnnouncementState.PENDING.value}
        self._tables.update(announcement_key(key), "REMOVE #leased_until", pending, "#state = :pending")

    def notice_announced(self, key: AnnouncementKey) -> None:
        self._tables.update(
            announcement_key(key),
            "SET #state = :sent REMOVE #due_pk, #due_sk, #leased_until",
            {":sent": AnnouncementState.SENT.value},
            "attribute_exists(#pk)",
        )

    def pending_announcements(self) -> tuple[Announcement, ...]:
        return tuple(map(announcement_in, self._tables.query(Question(layout.PENDING, layout.BY_DUE))))


def notice_item(notice: Notice) -> dict[str, Scalar]:
    return item(
        layout.notice(notice.id),
        {
            "document": text_of(notice),
            layout.BY_PROJECT.partition_key: layout.NOTICES,
            layout.BY_PROJECT.sort_key: f"{time_text(notice.at)}#{notice.id}",
        },
    )


def notice_in(found: Item) -> Notice:
    return value_of(Notice, found["document"])
