"""Find the run that somebody means by the beginning of its id."""

from __future__ import annotations

import re

from dropforge.domain.errors import DropforgeError
from dropforge.domain.run import Run
from dropforge.workflow.ports import Ports

SHORTEST_PREFIX = 4


class RunNotFoundError(DropforgeError):
    """No run, or more than one, is meant."""


def find_run(ports: Ports, prefix: str) -> Run:
    """The one run whose id begins so; at least four hexadecimal digits. RunNotFoundError."""
    if not re.fullmatch(rf"[0-9a-f]{{{SHORTEST_PREFIX},20}}", prefix):
        raise RunNotFoundError(f"{prefix!r} names no run: give 4 to 20 of the digits that `dropforge runs` shows")
    found = ports.store.runs_with_prefix(prefix)
    if len(found) > 1:
        some = ", ".join(ref.id for ref in found)
        raise RunNotFoundError(f"{prefix} is the beginning of several runs ({some}): give more of its digits")
    run = ports.store.run(found[0].id) if found else None
    if run is None:
        raise RunNotFoundError(f"there is no run {prefix}: see `dropforge runs`")
    return run
