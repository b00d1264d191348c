"""Reading records one by one where one that cannot be read must not keep the others from being looked at."""

from __future__ import annotations

from dropforge.domain.errors import InvalidDocumentError
from dropforge.domain.run import Run
from dropforge.workflow.ports import Runs


def readable_run(runs: Runs, run_id: str) -> Run | None:
    """The run; None when there is none or its record cannot be read, which `dropforge runs` and `show` tell."""
    try:
        return runs.run(run_id)
    except InvalidDocumentError:
        return None
