"""A run as the status of the commit that it trains: one word and one line, as GitHub shows them.

https://docs.github.com/en/rest/commits/statuses#create-a-commit-status
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Final

from dropforge.domain.counting import span
from dropforge.domain.mail import printable
from dropforge.domain.run import Run, RunResult, RunStatus

LONGEST_DESCRIPTION: Final = 140
"""Characters; GitHub refuses more."""
_CENT: Final = Decimal("0.01")


class CommitState(Enum):
    """ERROR says that it was not tried to the end, FAILURE that it was and failed."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


STATES: Final = MappingProxyType(
    {
        RunStatus.WAITING: CommitState.PENDING,
        RunStatus.HELD: CommitState.PENDING,
        RunStatus.STARTING: CommitState.PENDING,
        RunStatus.RUNNING: CommitState.PENDING,
        RunStatus.COMPLETED: CommitState.SUCCESS,
        RunStatus.FAILED: CommitState.FAILURE,
        RunStatus.STOPPED: CommitState.ERROR,
        RunStatus.SUPERSEDED: CommitState.ERROR,
    }
)


@dataclass(frozen=True)
class CommitStatus:
    """Of several with one `context`, GitHub shows a commit's latest."""

    state: CommitState
    context: str
    description: str


def commit_status(deployment: str, run: Run, previous: Run | None) -> CommitStatus:
    """`previous` is the completed run with whose metrics a completed one's are compared.

    The context names the deployment, so that two stages that train one commit do not overwrite each other.
    """
    return CommitStatus(STATES[run.status], f"{deployment}/{run.project}", _description(run, previous))


def commits_of(run: Run) -> tuple[str, ...]:
    """Each commit whose build gave the run's image. None of a reproduction: it says nothing new of a commit."""
    if run.reproduces is not None:
        return ()
    return tuple(dict.fromkeys((run.image.commit, *(build.commit for build in run.also_built))))


def _description(run: Run, previous: Run | None) -> str:
    result = run.result or RunResult()
    match run.status:
        case RunStatus.COMPLETED:
            return _gist(result, previous.result if previous is not None else None)
        case RunStatus.WAITING:
            return _cut(f"in line: {_line(run.waiting.reason if run.waiting is not None else '')}")
        case RunStatus.HELD:
            return _cut(f"held: {_line(run.held.reason if run.held is not None else '')}")
        case RunStatus.STARTING | RunStatus.RUNNING:
            compute = run.spec.compute
            doing = "trains" if run.status is RunStatus.RUNNING else "starts"
            return _cut(f"{doing} on {compute.instance_count} x {compute.instance_type}")
        case _:
            return _cut(f"{run.status.value.lower()}: {_line(result.reason or 'no reason given')}")


def _gist(result: RunResult, before: RunResult | None) -> str:
    """`accuracy 0.97, +0.4; 4 min, 0.31 USD`: as many metrics as there is room for before how long, for how much."""
    effort = ", ".join(_effort(result))
    told: list[str] = []
    for metric in _metrics(result, before):
        if len("; ".join([*told, metric, effort])) > LONGEST_DESCRIPTION:
            break
        told.append(metric)
    return _cut("; ".join(each for each in (*told, effort) if each) or "completed")


def _metrics(result: RunResult, before: RunResult | None) -> Iterator[str]:
    for name, value in result.metrics.items():
        earlier = before.metrics.get(name) if before is not None else None
        difference = f", {float(value - earlier):+.4g}" if earlier is not None else ""
        yield f"{printable(name)} {float(value):.4g}{difference}"


def _effort(result: RunResult) -> Iterator[str]:
    if result.started_at is not None and result.ended_at is not None:
        yield span(result.ended_at - result.started_at)
    if result.cost_usd is not None:
        yield f"{result.cost_usd:.2f} USD" if result.cost_usd >= _CENT else f"{result.cost_usd:.4f} USD"


def _line(reason: str) -> str:
    return printable(next(iter(reason.strip().splitlines()), ""))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_DESCRIPTION else f"{text[: LONGEST_DESCRIPTION - 1]}…"
