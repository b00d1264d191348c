"""A change of a run's state, with what another system may want to know beside it."""

from __future__ import annotations

from dataclasses import dataclass

from dropforge.domain.project import Project
from dropforge.domain.run import Run
from dropforge.domain.state_change import RunStateChanged


@dataclass(frozen=True)
class StateReport:
    """`change` is what happened, perhaps a while ago; `run` is as it is on record now.

    `project` is None when ops have removed it since; `previous` is the completed run to compare a completed one with.
    """

    change: RunStateChanged
    run: Run
    project: Project | None = None
    previous: Run | None = None
