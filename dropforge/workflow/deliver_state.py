"""Tell another system what has become of a run."""

from __future__ import annotations

from dropforge.domain.errors import DropforgeError
from dropforge.domain.run import Run, RunStatus
from dropforge.domain.state_change import RunStateChanged
from dropforge.domain.state_report import StateReport
from dropforge.workflow.completed_before import completed_before
from dropforge.workflow.ports import Ports, Sink


class NothingToTellError(DropforgeError):
    """A change is told of a run that is not on record."""


def deliver_state(ports: Ports, sink: Sink, change: RunStateChanged) -> Run:
    """The run as it was when the sink was last told of it, and still is.

    Messages overtake each other, and a system may keep only what it was told last. So it is told how the run stands
    now, and afterwards the run is looked at once more: where it has changed meanwhile, it is told again.
    """
    run = _on_record(ports, change)
    while True:
        sink.deliver(_report(ports, change, run))
        now = _on_record(ports, change)
        if now.status_sequence == run.status_sequence:
            return run
        run = now


def _on_record(ports: Ports, change: RunStateChanged) -> Run:
    run = ports.store.run(change.run)
    if run is None:
        raise NothingToTellError(f"there is no run {change.run} to tell of: restore the state table to before now")
    return run


def _report(ports: Ports, change: RunStateChanged, run: Run) -> StateReport:
    previous = completed_before(ports, run) if run.status is RunStatus.COMPLETED else None
    return StateReport(change, run, ports.stage.find_project(run.project), previous)
