"""What `SqsWakeups` says, and a schedule's tick, which says nothing."""

from __future__ import annotations

from dropforge.adapters.events.members import optional, parsed
from dropforge.domain.drop import ObjectRef
from dropforge.domain.encoding import decode


def seal_in(body: str) -> tuple[str, ObjectRef | None] | None:
    """The project to look at, and its object or marker; None, for a tick, is all of them."""
    wakeup = parsed(body)
    project, of = optional(wakeup, "project"), optional(wakeup, "of")
    return None if project is None else (str(project), None if of is None else decode(ObjectRef, of))
