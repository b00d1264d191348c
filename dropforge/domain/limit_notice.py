"""What ops are told of a limit that holds runs back: once a project and UTC day, however many runs wait for it."""

from __future__ import annotations

from datetime import date, datetime

from dropforge.domain.admission import Delay
from dropforge.domain.announcement import Outcome
from dropforge.domain.notice import Notice
from dropforge.domain.run import Run


def limit_notice(first: Run, delay: Delay, now: datetime, today: date) -> Notice | None:
    """Of the run that is `first` to wait; None where it waits for nothing that ops could raise.

    The stage's limit is told of by project too, since subscriptions and `dropforge resume` name projects. A limit that
    was raised, and is reached again, is another one: the reason says how much it is. `today` is in UTC.
    """
    if delay.limit is None:
        return None
    return Notice(
        kind=Outcome.WAITING,
        project=first.project,
        subject=f"{first.project} waiting: {delay.reason}",
        sentence=f"{first.project}: a run waits, since {delay.reason}. {delay.remedy} This is told once a day, however "
        "many runs wait for it.",
        at=now,
        evidence={"limit": delay.limit.value, "day": today.isoformat(), "reason": delay.reason},
        details=(
            f"dropforge show {first.id}",
            f"all that wait: dropforge runs {first.project} --status {first.status.value}",
        ),
    )
