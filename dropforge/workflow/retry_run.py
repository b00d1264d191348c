"""Try a run again that failed or was stopped: the same inputs, the same record, a new attempt."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from dropforge.domain.errors import DropforgeError
from dropforge.domain.run import Requester, RequesterKind, Run, RunStatus
from dropforge.domain.run_events import RunRetried
from dropforge.workflow.find_run import find_run
from dropforge.workflow.ports import Ports
from dropforge.workflow.recording import record


class NotRetriableError(DropforgeError):
    """The run has not come to an end that another attempt could change."""


_INSTEAD: Final = MappingProxyType(
    {
        RunStatus.COMPLETED: "it completed: `dropforge run` with other parameters makes another",
        RunStatus.SUPERSEDED: (
            "a newer run took its place: `dropforge run` with its image and dataset asks for it again"
        ),
        RunStatus.HELD: "it is held: `dropforge resume` lets it be looked at again",
    }
)


def retry_run(ports: Ports, prefix: str, by: str) -> Run:
    """The run, in line again, with as many attempts before it as a new one. RunNotFoundError, NotRetriableError."""
    run = find_run(ports, prefix)
    if run.status not in {RunStatus.FAILED, RunStatus.STOPPED}:
        instead = _INSTEAD.get(run.status, "it has not ended yet: wait for it, or stop it first")
        raise NotRetriableError(f"Run {run.id} is {run.status.value} and cannot be retried; {instead}.")
    after = record(ports.store, run, RunRetried(ports.clock.now(), Requester(RequesterKind.USER, by)))
    ports.wakeups.dispatch()
    return after
