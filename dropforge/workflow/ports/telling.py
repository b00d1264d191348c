"""Who is woken or told of what has happened."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from dropforge.domain.announcement import Announcement
from dropforge.domain.drop import ObjectRef
from dropforge.domain.mail import Mail
from dropforge.domain.state_change import RunStateChanged
from dropforge.domain.state_report import StateReport


class Wakeups(Protocol):
    """Wakes a use case soon. Losing one delays work until the next tick and no longer."""

    def dispatch(self) -> None: ...

    def seal(self, project: str, after: timedelta, of: ObjectRef | None = None) -> None: ...

    def sign(self, run_id: str) -> None: ...


class StateChanges(Protocol):
    """Tells whoever listens outside of the stage."""

    def publish(self, change: RunStateChanged) -> None: ...


class Sink(Protocol):
    """Another system that is told of runs. To be told twice does it no harm."""

    @property
    def name(self) -> str: ...

    def deliver(self, report: StateReport) -> None:
        """Nothing where the system has no use for this change. SinkError when it did not take what it was told."""
        ...


class Announcer(Protocol):
    def publish(self, mail: Mail, announcement: Announcement) -> None:
        """Send to whoever subscribed to the announcement's project and outcome."""
        ...
