"""Find the run with whose metrics another's are compared, where people or other systems are told how good it is."""

from __future__ import annotations

from typing import Final

from dropforge.domain.run import Run, RunRef, RunStatus
from dropforge.workflow.ports import Ports

RUNS_LOOKED_THROUGH: Final = 20
"""How far back it is looked for: in one request."""


def completed_before(ports: Ports, run: Run) -> Run | None:
    """The project's latest run that was asked for before this one and completed (eventually consistent)."""
    this = RunRef(run.id, run.project, run.requested_at, run.status)
    earlier = ports.store.runs_of_project(run.project, RUNS_LOOKED_THROUGH, before=this)
    return next((each for each in earlier if each.status is RunStatus.COMPLETED), None)
