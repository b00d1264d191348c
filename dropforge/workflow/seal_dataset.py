"""Seal a project's data once it has been quiet, and train with it."""

from __future__ import annotations

from datetime import datetime, timedelta

from dropforge.domain.announcement import Outcome
from dropforge.domain.dataset import Dataset
from dropforge.domain.head import ProjectHead, Rebuild, SealedData, SealTimer
from dropforge.domain.notice import Notice
from dropforge.domain.project import OnData, Project
from dropforge.domain.run import Requester, RequesterKind
from dropforge.domain.sealing import DatasetRefusedError
from dropforge.workflow.pin_dataset import pin_dataset
from dropforge.workflow.ports import Ports
from dropforge.workflow.request_run import RunRequest, request_run
from dropforge.workflow.start_rebuild import start_rebuild

CLOCK_SKEW = timedelta(seconds=1)
"""How far the clocks of two functions may lie apart."""


def seal_dataset(ports: Ports, project_name: str) -> Dataset | None:
    """The dataset version that was sealed; None when none is due, none is there, or it was refused.

    Drops may go on meanwhile. The timer is cleared last, and only if none was counted since it was read: what came
    later is sealed again. Cut off anywhere, the timer still stands, and the next call does it all again.
    """
    project = ports.stage.project(project_name)
    timer, now = ports.store.seal_timer(project.name), ports.clock.now()
    # A drop that moved the due time has a wake-up of its own on the way.
    if timer is None or timer.due is None or timer.due > now + CLOCK_SKEW:
        return None
    dataset = _pinned_or_refused(ports, project, timer, now)
    if dataset is not None:
        head = ports.store.advance_data(SealedData(dataset, timer.revision))
        _train(ports, project, dataset, head, Requester(RequesterKind.DROP, timer.last_drop_by))
    ports.store.clear_seal(project.name, timer.revision)
    return dataset


def wake_due_seals(ports: Ports) -> None:
    """Every minute: heal wake-ups that were lost, each project by itself, and builds that could not start before."""
    for timer in ports.store.due_seals(ports.clock.now()):
        if ports.stage.find_project(timer.project) is not None:
            ports.wakeups.seal(timer.project, timedelta(0))
    for rebuild in ports.store.unstarted_rebuilds():
        if ports.stage.find_project(rebuild.project) is not None:
            start_rebuild(ports, rebuild)


def _pinned_or_refused(ports: Ports, project: Project, timer: SealTimer, now: datetime) -> Dataset | None:
    try:
        return pin_dataset(ports, project, now)
    except DatasetRefusedError as refused:
        sentence = f"The data under {project.data_prefix} was not trained on: {refused}."
        notice = Notice(
            kind=Outcome.REFUSED,
            project=project.name,
            subject=f"{project.name}: data was refused",
            sentence=sentence,
            at=timer.last_drop_at,
            evidence={"data_prefix": project.data_prefix, "drops_so_far": str(timer.revision)},
            details=refused.reasons,
        )
        ports.store.put_notice(notice)
        return None


def _train(ports: Ports, project: Project, dataset: Dataset, head: ProjectHead, requester: Requester) -> None:
    if project.on_data is OnData.REBUILD:
        wanted = Rebuild(project.name, dataset.version, requester, requested_at=ports.clock.now())
        start_rebuild(ports, ports.store.record_rebuild(wanted))
    elif head.image is not None:
        request_run(ports, RunRequest(head.image, dataset, head.image.spec, requester))
