"""Let a project start again, and look anew at what was held."""

from __future__ import annotations

from dropforge.domain.admission import data_misfit
from dropforge.domain.run import Requester, RequesterKind, Run, RunStatus
from dropforge.domain.run_events import RunReleased, RunSuperseded
from dropforge.workflow.ports import WHENEVER, Ports
from dropforge.workflow.reading import readable_run
from dropforge.workflow.recording import record
from dropforge.workflow.request_run import RunRequest, request_run
from dropforge.workflow.start_rebuild import start_rebuild


def resume_project(ports: Ports, project: str | None, by: str) -> tuple[Run, ...]:
    """End the pause of one project, or with None that of the stage, and release its runs; these are returned.

    Released are those that are held and those that wait for tomorrow, which keep their place in line, and each meets
    the guard rails again: what still holds it back holds it again. One that its own data holds back for ever makes way
    for a run on the project's latest data, where that fits. UnknownProjectError.
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
    event = RunReleased(ports.clock.now(), Requester(RequesterKind.USER, by), in_its_place=True)
    held = [ref for name in sorted(projects) for ref in ports.store.held_runs(name)]
    lines = (ports.store.waiting_runs(name, WHENEVER) for name in sorted(projects))
    waiting = [ref for line in lines for ref in line if ref.due > event.at]
    read = [run for ref in (*held, *waiting) if (run := readable_run(ports.store, ref.id)) is not None]
    renewed = {run.id: fresh for run in read if (fresh := _renewed(ports, run, event.by)) is not None}
    before = [run for run in read if run.id not in renewed and event.apply(run) is not run]
    after = [(run, record(ports.store, run, event)) for run in before]
    return [*renewed.values(), *(run for seen, run in after if run.trail != seen.trail)]


def _renewed(ports: Ports, run: Run, by: Requester) -> Run | None:
    """The run that takes the held one's place; None where its own data does not hold it back, or the latest does too.

    Of a push or a drop it is a run of the project's head. Whoever asked by hand gets the image and the parameters that
    they asked for.
    """
    project, head = ports.stage.project(run.project), ports.store.head(run.project)
    if run.status is not RunStatus.HELD or head.image is None or head.data is None:
        return None
    misfit = data_misfit(run.spec, run.dataset, project)
    image, spec = (run.image, run.spec) if run.requester.kind is RequesterKind.USER else (head.image, head.image.spec)
    if misfit is None or data_misfit(spec, head.data.dataset, project) is not None:
        return None
    fresh = request_run(ports, RunRequest(image, head.data.dataset, spec, by, head.data.revision))
    record(ports.store, run, RunSuperseded(ports.clock.now(), fresh.id, misfit.reason, by))
    return fresh
