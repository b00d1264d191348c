"""Tell other systems what has become of a run."""

from __future__ import annotations

from dropforge.domain.errors import DropforgeError
from dropforge.domain.run import Run, RunStatus
from dropforge.domain.state_change import RunStateChanged
from dropforge.domain.state_report import StateReport
from dropforge.workflow.completed_before import completed_before
from dropforge.workflow.failures import Failures
from dropforge.workflow.ports import Ports, Sink, SinkError


class NothingToTellError(DropforgeError):
    """A change is told of a run that is not on record."""


def deliver_state(ports: Ports, change: RunStateChanged) -> None:
    """Each sink has its turn, whatever becomes of the others; SinkError when not all took what they were told."""
    run, failures = _on_record(ports, change), Failures()
    for sink in ports.sinks:
        with failures.kept(sink.name):
            _tell(ports, sink, change, run)
    failures.raise_as(SinkError, f"not all who are to know of run {run.id} were told")


def _tell(ports: Ports, sink: Sink, change: RunStateChanged, run: Run) -> None:
    """Messages overtake each other, and a system may keep only what it was told last.

    So it is told how the run stands now, and afterwards the run is looked at once more: where it has changed meanwhile,
    it is told again.
    """
    while True:
        sink.deliver(_report(ports, change, run))
        now = _on_record(ports, change)
        if now.status_sequence == run.status_sequence:
            return
        run = now


def _on_record(ports: Ports, change: RunStateChanged) -> Run:
    run = ports.store.run(change.run)
    if run is None:
        raise NothingToTellError(f"there is no run {change.run} to tell of: restore the state table to before now")
    return run


def _report(ports: Ports, change: RunStateChanged, run: Run) -> StateReport:
    previous = completed_before(ports, run) if run.status is RunStatus.COMPLETED else None
    return StateReport(change, run, ports.stage.find_project(run.project), previous)
