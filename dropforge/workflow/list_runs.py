"""The runs of one project, or of all, the newest first."""

from __future__ import annotations

from dropforge.domain.run import Run, RunRef
from dropforge.workflow.ports import Ports


def list_runs(ports: Ports, project: str | None, limit: int) -> tuple[Run, ...]:
    """At most `limit`, from one query a project. UnknownProjectError."""
    projects = ports.stage.projects if project is None else (ports.stage.project(project),)
    found = [run for each in projects for run in ports.store.runs_of_project(each.name, limit)]
    return tuple(sorted(found, key=lambda run: run.requested_at, reverse=True)[:limit])


def list_unreadable_runs(ports: Ports, project: str | None, limit: int) -> tuple[RunRef, ...]:
    """Of as many, those whose records cannot be read. UnknownProjectError."""
    projects = ports.stage.projects if project is None else (ports.stage.project(project),)
    return tuple(ref for each in projects for ref in ports.store.unreadable_runs(each.name, limit))
