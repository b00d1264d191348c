from __future__ import annotations

from dataclasses import replace

from dropforge.domain.announcement import AnnouncementKey, AnnouncementState, Outcome, SubjectKind
from dropforge.domain.notice import Notice
from dropforge.workflow.ports import MetadataStore
from tests.contract.records import NOON, later

NOTICE = Notice(
    kind=Outcome.REFUSED,
    project=None,
    subject="an object lies outside every project",
    sentence="stray.csv lies outside every project: move it.",
    at=NOON,
    evidence={"bucket": "training", "key": "stray \U0001f33e.csv", "version_id": "v1"},
    details=("line 1", "line 2"),
)
KEY = AnnouncementKey(SubjectKind.NOTICE, NOTICE.id)


def test_a_notice_is_kept_with_its_announcement(store: MetadataStore) -> None:
    assert store.put_notice(NOTICE)
    assert store.notice(NOTICE.id) == NOTICE
    assert store.announcement(KEY) == NOTICE.announcement()
    assert store.pending_announcements() == (NOTICE.announcement(),)


def test_the_same_thing_told_twice_is_one_notice(store: MetadataStore) -> None:
    store.put_notice(NOTICE)
    assert not store.put_notice(replace(NOTICE, at=later(days=1)))
    assert store.notices(10) == (NOTICE,)


def test_a_notice_told_again_after_its_mail_is_not_announced_again(store: MetadataStore) -> None:
    store.put_notice(NOTICE)
    store.notice_announced(KEY)
    store.put_notice(NOTICE)
    assert store.pending_announcements() == ()


def test_unknown_notices_and_announcements_are_none(store: MetadataStore) -> None:
    assert store.notice("0" * 20) is None
    assert store.announcement(KEY) is None
    assert store.lease_announcement(KEY, NOON, later(seconds=60)) is None


def test_the_newest_notices_come_first_whatever_their_project(store: MetadataStore) -> None:
    notices = [
        replace(NOTICE, project=project, at=later(minutes=minute), evidence={"n": str(minute)})
        for minute, project in ((2, "digits"), (1, None), (3, "cancer"))
    ]
    for notice in notices:
        store.put_notice(notice)
    assert store.notices(2) == (notices[2], notices[0])


def test_pending_announcements_come_oldest_first(store: MetadataStore) -> None:
    late = replace(NOTICE, at=later(minutes=2), evidence={"n": "2"})
    early = replace(NOTICE, at=later(minutes=1), evidence={"n": "1"})
    store.put_notice(late)
    store.put_notice(early)
    assert [each.key.subject for each in store.pending_announcements()] == [early.id, late.id]


def test_while_one_holds_the_lease_no_other_gets_it(store: MetadataStore) -> None:
    store.put_notice(NOTICE)
    leased = store.lease_announcement(KEY, NOON, later(seconds=60))
    assert leased == replace(NOTICE.announcement(), leased_until=later(seconds=60))
    assert store.lease_announcement(KEY, later(seconds=59), later(seconds=119)) is None
    again = store.lease_announcement(KEY, later(seconds=60), later(seconds=120))
    assert again is not None
    assert again.leased_until == later(seconds=120)


def test_what_was_sent_is_no_longer_pending_and_cannot_be_leased(store: MetadataStore) -> None:
    store.put_notice(NOTICE)
    store.lease_announcement(KEY, NOON, later(seconds=60))
    store.notice_announced(KEY)
    assert store.pending_announcements() == ()
    assert store.lease_announcement(KEY, later(days=1), later(days=2)) is None
    assert store.announcement(KEY) == replace(NOTICE.announcement(), state=AnnouncementState.SENT)


def test_a_lease_that_was_given_back_is_free_at_once(store: MetadataStore) -> None:
    store.put_notice(NOTICE)
    store.lease_announcement(KEY, NOON, later(seconds=60))
    store.release_announcement(KEY)
    assert store.lease_announcement(KEY, NOON, later(seconds=60)) is not None


def test_giving_back_what_was_sent_or_never_was_changes_nothing(store: MetadataStore) -> None:
    store.release_announcement(KEY)
    assert store.announcement(KEY) is None
    store.put_notice(NOTICE)
    store.notice_announced(KEY)
    store.release_announcement(KEY)
    assert store.pending_announcements() == ()
