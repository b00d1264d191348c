"""Tell people what was recorded."""

from __future__ import annotations

from datetime import timedelta

from dropforge.domain.announcement import AnnouncementKey, SubjectKind
from dropforge.domain.errors import DropforgeError
from dropforge.domain.mail import Mail
from dropforge.domain.notice_mail import notice_mail
from dropforge.domain.run import Run
from dropforge.domain.run_events import RunAnnounced, event_from_document
from dropforge.domain.run_mail import run_mail
from dropforge.workflow.completed_before import completed_before
from dropforge.workflow.ports import Ports
from dropforge.workflow.recording import record

LEASE = timedelta(seconds=60)


class UnknownSubjectError(DropforgeError):
    """An announcement tells of something that is not on record."""


def announce(ports: Ports, key: AnnouncementKey) -> None:
    """Send the announcement, then write down that it was sent.

    At least once: killed between the two, it is sent again when the lease has run out. While somebody else holds the
    lease nothing is done. Who fails gives the lease back, so that the retry, which follows at once, sends it.
    """
    now = ports.clock.now()
    announcement = ports.store.lease_announcement(key, now, now + LEASE)
    if announcement is None:
        return
    try:
        run = _run_of(ports, key)
        mail = _run_mail(ports, run, key.sequence) if run is not None else _notice_mail(ports, key)
        ports.announcer.publish(mail, announcement)
    except Exception:
        ports.store.release_announcement(key)
        raise
    # Should this fail, the lease stays: what was sent just now is not to be sent again at once.
    if run is not None:
        record(ports.store, run, RunAnnounced(ports.clock.now(), key.sequence, announcement.outcome))
    else:
        ports.store.notice_announced(key)


def _run_of(ports: Ports, key: AnnouncementKey) -> Run | None:
    """The run that the announcement tells of; None when it tells of a notice."""
    if key.kind is SubjectKind.NOTICE:
        return None
    run = ports.store.run(key.subject)
    if run is None:
        raise UnknownSubjectError(f"there is no run {key.subject} to tell of: restore the state table to before now")
    return run


def _notice_mail(ports: Ports, key: AnnouncementKey) -> Mail:
    notice = ports.store.notice(key.subject)
    if notice is None:
        raise UnknownSubjectError(f"there is no notice {key.subject} to tell of: restore the state table to before now")
    return notice_mail(notice)


def _run_mail(ports: Ports, run: Run, sequence: int) -> Mail:
    """From the trail's entry, so that it tells what was then recorded, whatever has become of the run since."""
    entry = next((each for each in ports.store.trail(run.id) if each.sequence == sequence), None)
    if entry is None:
        raise UnknownSubjectError(
            f"entry {sequence} of the trail of run {run.id} is missing, and it was to be told of: look who deleted it, "
            "and restore the trail table to before then"
        )
    return run_mail(run, event_from_document(entry.document()), completed_before(ports, run))
