"""Something that ops must know and that is no run: an object refused, a build failed, a limit that holds runs back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from dropforge.domain.announcement import Announcement, AnnouncementKey, Outcome, SubjectKind
from dropforge.domain.canonical import digest


@dataclass(frozen=True)
class Notice:
    """`sentence` says what happened and what to do; `evidence` names the thing exactly (key and version, execution, …).

    The same thing told twice is one notice: kind, project and evidence are its identity. `at` is when it happened, as
    its event says; `details` are lines to show below the sentence.
    """

    kind: Outcome
    project: str | None
    subject: str
    sentence: str
    at: datetime
    evidence: Mapping[str, str] = field(default_factory=dict)
    details: tuple[str, ...] = ()

    @cached_property
    def id(self) -> str:
        """Twenty hexadecimal digits."""
        identity = {"kind": self.kind.value, "project": self.project, "evidence": self.evidence}
        return digest(identity).removeprefix("sha256:")[:20]

    def announcement(self) -> Announcement:
        return Announcement(AnnouncementKey(SubjectKind.NOTICE, self.id), self.project, self.kind, self.at)
