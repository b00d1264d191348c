"""The mail that tells of a notice."""

from __future__ import annotations

from dropforge.domain.mail import Mail, printable, quoted
from dropforge.domain.notice import Notice


def notice_mail(notice: Notice) -> Mail:
    evidence = [f"{name.replace('_', ' ')}: {value}" for name, value in notice.evidence.items()]
    return Mail.of(
        f"[dropforge] {notice.subject}",
        [
            printable(notice.sentence),
            quoted("The last lines that it wrote, or all that is wrong:", notice.details),
            quoted("What it is about:", evidence),
        ],
    )
