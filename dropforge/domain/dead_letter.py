"""What could not be handled, and lies in a dead-letter queue until a person has looked at it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class DeadLetter:
    """A message as it lies in the queue. `reason` is why, in a sentence; `receives` counts looks and tries together."""

    queue: str
    message_id: str
    sent_at: datetime
    receives: int
    reason: str
    body: str


@dataclass(frozen=True)
class Redriven:
    """How many messages of a queue were sent back, how many were dropped, and how many kept.

    To those that are dropped the sweep, or the next deployment, sees anyway; those that are kept do not say where they
    were to go.
    """

    queue: str
    sent: int
    dropped: int = 0
    kept: int = 0
