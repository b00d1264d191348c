"""Which waiting runs a newer one makes needless, where a project says `latest_wins`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from dropforge.domain.run import RequesterKind, Run, RunStatus

_TRAINS = frozenset({RunStatus.WAITING, RunStatus.STARTING, RunStatus.RUNNING, RunStatus.COMPLETED})
_BY_ITSELF = frozenset({RequesterKind.PUSH, RequesterKind.DROP})


def replaces(newer: Run, older: Run) -> bool:
    """Neither its image nor its data is older, and one of them is newer.

    That is how a project's head moves, so two builds that finish out of order cannot supersede each other the wrong way
    round, whatever the order in which their runs were asked for. Data that has come back is as new as its return.
    Nobody's own request replaces another or is replaced: who asks for a run by hand wants that run.
    """
    if newer.requester.kind not in _BY_ITSELF or older.requester.kind not in _BY_ITSELF:
        return False
    of_newer = (newer.image_started_at, _place_of_data(newer))
    of_older = (older.image_started_at, _place_of_data(older))
    return of_newer[0] >= of_older[0] and of_newer[1] >= of_older[1] and of_newer != of_older


def replacement_of(waiting: Run, others: Iterable[Run]) -> Run | None:
    """The first of the others that replaces the waiting run; one that is held, failed or given up takes no place."""
    return next((each for each in others if each.status in _TRAINS and replaces(each, waiting)), None)


def _place_of_data(run: Run) -> tuple[int, datetime]:
    """The time decides between records that hold no revision."""
    return run.data_revision, run.dataset.sealed_at
