"""Let a project start again, and look anew at what was held."""

from __future__ import annotations

from dropforge.domain.run import Requester, RequesterKind, Run
from dropforge.domain.run_events import RunReleased
from dropforge.workflow.ports import Ports
from dropforge.workflow.recording import record
from dropforge.workflow.start_rebuild import start_rebuild


def resume_project(ports: Ports, project: str | None, by: str) -> tuple[Run, ...]:
    """End the pause of one project, or with None that of the stage, and release its held runs; these are returned.

    A released run meets the guard rails again: what still holds it back holds it again. UnknownProjectError.
    """
    projects = ports.stage.projects if project is None else (ports.stage.project(project),)
    ports.store.clear_pause(project)
    names = {each.name for each in projects}
    released = [run for name in sorted(names) for run in _release(ports, name, by)]
    for rebuild in ports.store.unstarted_rebuilds():
        if rebuild.project in names:
            start_rebuild(ports, rebuild)
    ports.wakeups.dispatch()
    return tuple(released)


def _release(ports: Ports, project: str, by: str) -> list[Run]:
    event = RunReleased(ports.clock.now(), Requester(RequesterKind.USER, by))
    held = [run for ref in ports.store.held_runs(project) if (run := ports.store.run(ref.id)) is not None]
    return [record(ports.store, run, event) for run in held]
