"""What the dispatcher remembers of AWS having had no room, so that it does not ask in vain again and again.

A refusal for one instance type says how many jobs of it were open then: until one of them ends, or the time is over,
another would be refused too. A throttled request says that of every type.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from dropforge.domain.backoff import FIRST_SECONDS, backoff

EVERY_TYPE = "*"
THROTTLED_FIRST_SECONDS = 2
FORGOTTEN_AFTER = timedelta(hours=1)
"""After so long without a refusal the delays begin anew."""


@dataclass(frozen=True)
class Congestion:
    """Of an instance type, or of every type where requests were throttled (`open_jobs` is then None)."""

    scope: str
    refusals: int
    until: datetime
    open_jobs: int | None

    def closes(self, now: datetime, open_jobs: int) -> bool:
        """Whether one more job, besides so many that are open, would be asked for in vain."""
        return now < self.until and (self.open_jobs is None or open_jobs >= self.open_jobs)


def refused(scope: str, open_jobs: int | None, now: datetime, before: Congestion | None) -> Congestion:
    """What to remember of one more refusal: each waits longer than the one before, from 30 s (of throttling 2 s) on."""
    recent = before is not None and now - before.until < FORGOTTEN_AFTER
    refusals = before.refusals + 1 if before is not None and recent else 1
    first = THROTTLED_FIRST_SECONDS if scope == EVERY_TYPE else FIRST_SECONDS
    delay = backoff(f"{scope}/{now.isoformat()}", refusals - 1, first)
    return Congestion(scope, refusals, now + delay, open_jobs)
