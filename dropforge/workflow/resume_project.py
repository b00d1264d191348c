"""Let a project start again, and look anew at what was held."""

from __future__ import annotations

from datetime import UTC, datetime

from dropforge.domain.run import Requester, RequesterKind, Run
from dropforge.domain.run_events import RunReleased
from dropforge.workflow.ports import Ports
from dropforge.workflow.recording import record
from dropforge.workflow.start_rebuild import start_rebuild

_WHENEVER = datetime.max.replace(tzinfo=UTC)


def resume_project(ports: Ports, project: str | None, by: str) -> tuple[Run, ...]:
    """End the pause of one project, or with None that of the stage, and release its runs; these are returned.

    Released are those that are held and those that wait for tomorrow, and each meets the guard rails again: what still
    holds it back holds it again. UnknownProjectError.
    """
    projects = ports.stage.projects if project is None else (ports.stage.project(project),)
    ports.store.clear_pause(project)
    names = {each.name for each in projects}
    released = _release(ports, names, by)
    for rebuild in ports.store.unstarted_rebuilds():
        if rebuild.project in names:
            start_rebuild(ports, rebuild)
    ports.wakeups.dispatch()
    return tuple(released)


def _release(ports: Ports, projects: set[str], by: str) -> list[Run]:
    """Of those that wait, the ones that the event changes: whatever waits for anything but a limit waits on."""
    event = RunReleased(ports.clock.now(), Requester(RequesterKind.USER, by))
    held = [ref for name in sorted(projects) for ref in ports.store.held_runs(name)]
    due = {ref.id for ref in ports.store.waiting_runs(event.at)}
    waiting = [ref for ref in ports.store.waiting_runs(_WHENEVER) if ref.project in projects and ref.id not in due]
    before = [run for ref in (*held, *waiting) if (run := ports.store.run(ref.id)) is not None]
    after = [(run, record(ports.store, run, event)) for run in before if event.apply(run) is not run]
    return [run for seen, run in after if run.trail != seen.trail]
