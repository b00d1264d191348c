"""A condition, lease, retry or ordering rule that a promise rests on, with the edit that takes it away."""

from __future__ import annotations

from dataclasses import dataclass

WORKFLOW, DOMAIN, DYNAMODB = "dropforge/workflow", "dropforge/domain", "dropforge/adapters/dynamodb"
UNIT, CONTRACT, FAULTS = "tests/unit/workflow", "tests/contract", "tests/faults"


@dataclass(frozen=True)
class Guard:
    """`intact` stands in `file` exactly once; `removed` stands there instead when the guard is taken away.

    `tests` are the files of which at least one test must then fail.
    """

    name: str
    file: str
    intact: str
    removed: str
    tests: tuple[str, ...]
