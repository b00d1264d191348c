"""The mail that tells of a notice."""

from __future__ import annotations

from dropforge.domain.announcement import Outcome
from dropforge.domain.mail import Mail, printable, quoted
from dropforge.domain.notice import Notice

LAST_LINES = "The last lines that it wrote, or all that is wrong:"
FIRST_IN_LINE = "The first in line, to look further:"


def notice_mail(notice: Notice) -> Mail:
    evidence = [f"{name.replace('_', ' ')}: {value}" for name, value in notice.evidence.items()]
    return Mail.of(
        f"[dropforge] {notice.subject}",
        [
            printable(notice.sentence),
            quoted(FIRST_IN_LINE if notice.kind is Outcome.WAITING else LAST_LINES, notice.details),
            quoted("What it is about:", evidence),
        ],
    )
