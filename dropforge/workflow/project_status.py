"""How a project stands: what it has, what it waits for, what keeps it."""

from __future__ import annotations

from dataclasses import dataclass

from dropforge.domain.admission import ProjectLoad
from dropforge.domain.head import Pause, ProjectHead, SealTimer, WaitsFor
from dropforge.workflow.pause_project import pause_of
from dropforge.workflow.ports import Ports


@dataclass(frozen=True)
class ProjectStatus:
    """`seal` is set while dropped data waits to be sealed."""

    project: str
    head: ProjectHead
    load: ProjectLoad
    pause: Pause | None
    seal: SealTimer | None

    @property
    def waits_for(self) -> WaitsFor | None:
        return self.head.waits_for


def project_status(ports: Ports, project: str) -> ProjectStatus:
    """UnknownProjectError."""
    ports.stage.project(project)
    timer = ports.store.seal_timer(project)
    return ProjectStatus(
        project=project,
        head=ports.store.head(project),
        load=ports.store.load(project, ports.clock.now().date()),
        pause=pause_of(ports.store, project),
        seal=timer if timer is not None and timer.due is not None else None,
    )
