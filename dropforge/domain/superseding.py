"""Which waiting runs a newer one makes needless, where a project says `latest_wins`."""

from __future__ import annotations

from collections.abc import Iterable

from dropforge.domain.run import RequesterKind, Run, RunStatus

_BY_ITSELF = frozenset({RequesterKind.PUSH, RequesterKind.DROP})


def replaces(newer: Run, older: Run) -> bool:
    """Neither its image nor its data is older, and one of them is newer.

    That is how a project's head moves, so two builds that finish out of order cannot supersede each other the wrong way
    round, whatever the order in which their runs were asked for. Nobody's own request replaces another or is replaced:
    who asks for a run by hand wants that run.
    """
    if newer.requester.kind not in _BY_ITSELF or older.requester.kind not in _BY_ITSELF:
        return False
    of_newer = (newer.image.execution_started_at, newer.dataset.sealed_at)
    of_older = (older.image.execution_started_at, older.dataset.sealed_at)
    return all(new >= old for new, old in zip(of_newer, of_older, strict=True)) and of_newer != of_older


def replacement_of(waiting: Run, others: Iterable[Run]) -> Run | None:
    """The first of the others that replaces the waiting run; one that is itself superseded or stopped does not."""
    given_up = {RunStatus.SUPERSEDED, RunStatus.STOPPED}
    return next((each for each in others if each.status not in given_up and replaces(each, waiting)), None)
