"""What `SqsWakeups` says, and a schedule's tick, which says nothing."""

from __future__ import annotations

from dropforge.adapters.events.members import optional, parsed


def project_in(body: str) -> str | None:
    """The project to look at; None, for a tick, is all of them."""
    project = optional(parsed(body), "project")
    return None if project is None else str(project)
