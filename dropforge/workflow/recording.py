"""Recording an event on a run that others may be changing at the same moment."""

from __future__ import annotations

from dropforge.domain.run import Run
from dropforge.domain.run_events import RunEvent
from dropforge.workflow.ports import ConflictError, Runs

TRIES = 8


def record(runs: Runs, run: Run, event: RunEvent) -> Run:
    """Commit the event upon the newest state of the run; the run as it then is.

    An event that changes nothing is not written, so look at the result before acting on it. ConflictError when others
    were first every time: the message is then delivered again.
    """
    for _ in range(TRIES):
        seen = run.trail
        try:
            after = runs.commit(run, event)
        except ConflictError:
            run = runs.run(run.id) or run
            continue
        if after.trail != seen:
            return after
        # It changes nothing of what was read; it may of what there is by now.
        run = runs.run(run.id) or run
        if run.trail == seen:
            return run
    raise ConflictError(f"run {run.id} was changed by others {TRIES} times in a row: it will be tried again by itself")
