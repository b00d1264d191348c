"""Tell of runs that wait for too long, and give up those that were to be given up."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from functools import partial
from typing import TypeAlias

from dropforge.domain.lateness import given_up, waits_too_long
from dropforge.domain.project import Project
from dropforge.domain.run import Run, RunRef, RunStatus
from dropforge.workflow.ports import WHENEVER, Ports
from dropforge.workflow.reading import readable_run
from dropforge.workflow.recording import record

Step: TypeAlias = tuple[str, Callable[[], object]]
"""What is looked at, and the look at it."""


def look_at_waiting(ports: Ports) -> Iterator[Step]:
    """Of each project the run that has waited longest tells for all; whatever waits beyond the limit is given up.

    Each look is a step, named, for whoever has only so much time. A run is read only when it was requested that long
    ago, so of the burst that came just now no more than the line is.
    """
    for project in ports.stage.projects:
        refs = list[RunRef](ports.store.waiting_runs(project.name, WHENEVER))
        refs.sort(key=lambda ref: ref.requested_at)
        waiting = dict.fromkeys(refs)
        for ref in refs:
            if _may_be_given_up(ports, project, ref):
                yield f"waiting run {ref.id}", partial(_give_up, ports, project, ref, waiting)
        if refs:
            yield f"waiting runs of {project.name}", partial(_tell, ports, project, waiting)


def _may_be_given_up(ports: Ports, project: Project, ref: RunRef) -> bool:
    limit = project.waiting.give_up_after_minutes
    return limit is not None and ref.requested_at < ports.clock.now() - timedelta(minutes=limit)


def _give_up(ports: Ports, project: Project, ref: RunRef, waiting: dict[RunRef, None]) -> None:
    """A run that is given up is taken from those that are `waiting`."""
    run = _waiting_run(ports, ref)
    event = given_up(run, project.waiting, ports.clock.now()) if run is not None else None
    if run is not None and event is not None and record(ports.store, run, event).status.is_terminal:
        del waiting[ref]


def _tell(ports: Ports, project: Project, waiting: Collection[RunRef]) -> None:
    """Of the run that has waited longest, and of how many wait behind it."""
    first = next((run for ref in waiting if (run := _waiting_run(ports, ref)) is not None), None)
    overdue = waits_too_long(first, project.waiting, len(waiting) - 1, ports.clock.now()) if first is not None else None
    if first is not None and overdue is not None:
        record(ports.store, first, overdue)


def _waiting_run(ports: Ports, ref: RunRef) -> Run | None:
    run = readable_run(ports.store, ref.id)
    return run if run is not None and run.status is RunStatus.WAITING else None
