"""Leave out the waiting runs that a newer one makes needless."""

from __future__ import annotations

from collections.abc import Callable

from dropforge.domain.admission import unfit
from dropforge.domain.project import Project
from dropforge.domain.run import Run, RunStatus
from dropforge.domain.run_events import RunSuperseded
from dropforge.domain.superseding import replacement_of
from dropforge.workflow.ports import ConflictError, Ports

NEWEST_LOOKED_AT = 50
"""Of a project; what waits behind these is looked at when its own turn comes."""


def newest_runs(ports: Ports, project: Project) -> tuple[Run, ...]:
    """Those that may replace others: of a project that does not say `latest_wins`, none.

    A run that its guard rails or its data will hold takes nobody's place, also where nobody has looked at it yet.
    """
    if not project.latest_wins:
        return ()
    newest = ports.store.runs_of_project(project.name, NEWEST_LOOKED_AT)
    return tuple(run for run in newest if unfit(run, project) is None)


def supersede_runs(ports: Ports, newest: tuple[Run, ...], enough: Callable[[], bool]) -> None:
    for run in newest:
        if enough():
            return
        if run.status is RunStatus.WAITING:
            supersede(ports, run, newest)


def supersede(ports: Ports, run: Run, newest: tuple[Run, ...]) -> bool:
    """Whether the waiting run makes way for one of these, so that it is not started; its record says for which.

    A run that changes meanwhile stays as it is until the next pass: its data may have become the latest again.
    """
    newer = replacement_of(run, newest)
    if newer is None:
        return False
    try:
        after = ports.store.commit(run, RunSuperseded(ports.clock.now(), newer.id))
    except ConflictError:
        return True
    return after.status is RunStatus.SUPERSEDED
