"""What people are told of, and whether they have been."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Outcome(Enum):
    """What a mail is about; subscriptions filter by it."""

    COMPLETED = "completed"
    FAILED = "failed"
    STOPPED = "stopped"
    HELD = "held"
    BLOCKED = "blocked"
    REFUSED = "refused"
    BUILD_FAILED = "build_failed"
    SUPERSEDED = "superseded"
    WAITING = "waiting"  # for a limit, or for longer than the project is patient
    STUCK = "stuck"  # open for longer than its own limits allow
    HEALED = "healed"  # AWS lost an event, and the sweep found what it was about


class SubjectKind(Enum):
    RUN = "run"
    NOTICE = "notice"


class AnnouncementState(Enum):
    PENDING = "pending"
    SENT = "sent"


@dataclass(frozen=True)
class AnnouncementKey:
    """Names one announcement: of a run, the sequence of the trail entry that it announces; of a notice, 0."""

    kind: SubjectKind
    subject: str
    sequence: int = 0


@dataclass(frozen=True)
class Announcement:
    """Written together with what it announces, sent afterwards, at least once.

    While someone sends it, `leased_until` keeps others from sending it too.
    """

    key: AnnouncementKey
    project: str | None
    outcome: Outcome
    at: datetime
    state: AnnouncementState = AnnouncementState.PENDING
    leased_until: datetime | None = None

    def is_free(self, now: datetime) -> bool:
        """Whether it waits for a sender."""
        unleased = self.leased_until is None or self.leased_until <= now
        return self.state is AnnouncementState.PENDING and unleased
