"""Something that ops must know and that is no run: an object refused, a build failed, a connection pending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dropforge.domain.announcement import Announcement, AnnouncementKey, Outcome, SubjectKind
from dropforge.domain.canonical import digest


@dataclass(frozen=True)
class Notice:
    """`sentence` says what happened and what to do; `evidence` names the thing exactly (key and version, execution, …).

    `at` is when the thing happened, as its event says; it is no part of the notice's identity.
    """

    kind: Outcome
    project: str | None
    subject: str
    sentence: str
    at: datetime
    evidence: Mapping[str, str] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The same thing told twice is one notice: 20 hexadecimal digits of its kind, project and evidence."""
        identity = {
            "kind": self.kind.value,
            "project": self.project,
            "subject": self.subject,
            "evidence": self.evidence,
        }
        return digest(identity).removeprefix("sha256:")[:20]

    def announcement(self) -> Announcement:
        return Announcement(AnnouncementKey(SubjectKind.NOTICE, self.id), self.project, self.kind, self.at)
