"""All that one event writes, decided in one place so that every store writes the same, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from dropforge.domain.announcement import Announcement, AnnouncementKey, AnnouncementState, Outcome, SubjectKind
from dropforge.domain.run import Run
from dropforge.domain.run_events import (
    AttemptIntended,
    RunAnnounced,
    RunEvent,
    RunFinished,
    RunHeld,
    RunOverdue,
    RunRequested,
    RunSuperseded,
    RunWithdrawn,
    event_document,
)
from dropforge.domain.trail import TrailEntry, append


@dataclass(frozen=True)
class Transition:
    """What to write, on condition that the run's head is still `before.trail` (or that there is no run yet).

    `announcement` is new and PENDING, or the one that was SENT. `opened` is +1, 0 or -1: places taken in the project.
    `started_on` is the UTC day on which the run counts as started.
    """

    before: Run | None
    run: Run
    entry: TrailEntry
    announcement: Announcement | None
    opened: int
    started_on: date | None


def transition(before: Run | None, event: RunEvent) -> Transition | None:
    """What the event writes; None when it changes nothing."""
    evolved = evolve(before, event)
    if evolved is before:
        return None
    entry, head = append(evolved.id, evolved.trail, event_document(event))
    is_new_status = before is None or evolved.status is not before.status
    run = replace(evolved, trail=head, status_sequence=head.sequence if is_new_status else evolved.status_sequence)
    opened = int(run.status.is_open) - int(before is not None and before.status.is_open)
    return Transition(before, run, entry, _announcement(run, event), opened, _started_on(before, event))


def evolve(run: Run | None, event: RunEvent) -> Run:
    """The run after the event; the very same object when the event changes nothing."""
    if run is not None:
        return event.apply(run)
    if isinstance(event, RunRequested):
        return event.new_run()
    raise ValueError(f"a run begins with RunRequested, not with {type(event).__name__}")


def _announcement(run: Run, event: RunEvent) -> Announcement | None:
    match event:
        case RunHeld() | RunFinished() | RunWithdrawn() | RunOverdue():
            return _pending(run, event.outcome, event.at)
        case RunSuperseded():
            return _pending(run, Outcome.SUPERSEDED, event.at)
        case RunAnnounced():
            key = AnnouncementKey(SubjectKind.RUN, run.id, event.sequence)
            return Announcement(key, run.project, event.outcome, event.at, AnnouncementState.SENT)
        case _:
            return None


def _pending(run: Run, outcome: Outcome, at: datetime) -> Announcement:
    return Announcement(AnnouncementKey(SubjectKind.RUN, run.id, run.trail.sequence), run.project, outcome, at)


def _started_on(before: Run | None, event: RunEvent) -> date | None:
    """A run counts once, on the day of its first intent, however often AWS had no room for it."""
    first = isinstance(event, AttemptIntended) and before is not None and not before.attempts
    return event.at.date() if first else None
