"""Leave out the waiting runs that a newer one makes needless."""

from __future__ import annotations

from dropforge.domain.project import Project
from dropforge.domain.run import Run, RunStatus
from dropforge.domain.run_events import RunSuperseded
from dropforge.domain.superseding import replacement_of
from dropforge.workflow.ports import Ports
from dropforge.workflow.recording import record

NEWEST_LOOKED_AT = 50
"""Of a project; what waits behind these is looked at when its own turn comes."""


def newest_runs(ports: Ports, project: Project) -> tuple[Run, ...]:
    """Those that may replace others: of a project that does not say `latest_wins`, none."""
    return ports.store.runs_of_project(project.name, NEWEST_LOOKED_AT) if project.latest_wins else ()


def supersede_runs(ports: Ports, newest: tuple[Run, ...]) -> None:
    for run in newest:
        if run.status is RunStatus.WAITING:
            supersede(ports, run, newest)


def supersede(ports: Ports, run: Run, newest: tuple[Run, ...]) -> bool:
    """Whether the waiting run was replaced by one of these; its record stays and says by which."""
    newer = replacement_of(run, newest)
    if newer is None:
        return False
    after = record(ports.store, run, RunSuperseded(ports.clock.now(), newer.id))
    return after.status is RunStatus.SUPERSEDED
