"""The line of runs that wait: one for each project, and all of them as one."""

from __future__ import annotations

from collections.abc import Container, Iterator
from datetime import datetime
from heapq import merge

from dropforge.domain.run import WaitingRef
from dropforge.workflow.ports import Runs


def in_line(runs: Runs, due_by: datetime, closed: Container[str]) -> Iterator[WaitingRef]:
    """The runs that are due, of all projects, declared or not, in the order of their places.

    Of a project that is `closed`, which whoever is given the runs may say at any time, no further run is given or read:
    thousands that wait for a place cost no more than one.
    """
    lines = (_line(runs, first, due_by, closed) for first in runs.first_in_line(due_by))
    return merge(*lines, key=lambda ref: ref.place)


def _line(runs: Runs, first: WaitingRef, due_by: datetime, closed: Container[str]) -> Iterator[WaitingRef]:
    yield first
    if first.project in closed:
        return
    for ref in runs.waiting_runs(first.project, due_by, after=first):
        yield ref
        if ref.project in closed:
            return
