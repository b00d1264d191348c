"""Keep everything that comes, and start nothing."""

from __future__ import annotations

from dropforge.domain.head import Pause
from dropforge.workflow.ports import Pauses, Ports


def pause_project(ports: Ports, project: str | None, by: str) -> Pause:
    """Pause one project, or with None the whole stage. Jobs that run go on; UnknownProjectError."""
    if project is not None:
        ports.stage.project(project)
    pause = Pause(project, by, ports.clock.now())
    ports.store.set_pause(pause)
    return pause


def pause_of(pauses: Pauses, project: str) -> Pause | None:
    """What keeps the project from starting anything: the stage's pause, or its own."""
    return pauses.pause(None) or pauses.pause(project)
