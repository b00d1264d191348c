"""Tell of runs that wait for too long, and give up those that were to be given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dropforge.domain.lateness import given_up, waits_too_long
from dropforge.domain.project import Project
from dropforge.domain.run import Run, RunRef, RunStatus
from dropforge.workflow.ports import Ports
from dropforge.workflow.reading import readable_run
from dropforge.workflow.recording import record

_WHENEVER = datetime.max.replace(tzinfo=UTC)


def look_at_waiting(ports: Ports) -> None:
    """Of each project the run that has waited longest tells for all; whatever waits beyond the limit is given up.

    A run is read only when it was requested that long ago, so of the burst that came just now no more than the line is.
    """
    for project in ports.stage.projects:
        refs = list[RunRef](ports.store.waiting_runs(project.name, _WHENEVER))
        if refs:
            _look_at(ports, project, sorted(refs, key=lambda ref: ref.requested_at))


def _look_at(ports: Ports, project: Project, refs: list[RunRef]) -> None:
    patience, now = project.waiting, ports.clock.now()
    if patience.give_up_after_minutes is not None:
        oldest = now - timedelta(minutes=patience.give_up_after_minutes)
        refs = [ref for ref in refs if ref.requested_at >= oldest or not _give_up(ports, project, ref)]
    first = next((run for ref in refs if (run := _waiting_run(ports, ref)) is not None), None)
    overdue = waits_too_long(first, patience, len(refs) - 1, now) if first is not None else None
    if first is not None and overdue is not None:
        record(ports.store, first, overdue)


def _give_up(ports: Ports, project: Project, ref: RunRef) -> bool:
    run = _waiting_run(ports, ref)
    event = given_up(run, project.waiting, ports.clock.now()) if run is not None else None
    return run is not None and event is not None and record(ports.store, run, event).status.is_terminal


def _waiting_run(ports: Ports, ref: RunRef) -> Run | None:
    run = readable_run(ports.store, ref.id)
    return run if run is not None and run.status is RunStatus.WAITING else None
