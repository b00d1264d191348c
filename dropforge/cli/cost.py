"""`dropforge cost`: what training took and cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

import typer

from dropforge.cli import wording
from dropforge.cli.command import Session, stage_command
from dropforge.cli.moments import SinceOption, moment_meant
from dropforge.domain.counting import several
from dropforge.domain.run import Run
from dropforge.workflow.list_runs import LOOKED_THROUGH, RunFilter, list_runs


@dataclass
class Sum:
    """Of the runs of one project that have ended."""

    project: str
    runs: int = 0
    billable_seconds: int = 0
    cost_usd: Decimal = Decimal(0)
    unpriced: int = 0

    def add(self, run: Run) -> None:
        if run.result is None:
            return
        self.runs += 1
        self.billable_seconds += run.result.billable_seconds or 0
        self.cost_usd += run.result.cost_usd or 0
        self.unpriced += run.result.billable_seconds is not None and run.result.cost_usd is None


@stage_command
def cost(
    session: Session,
    project: Annotated[str | None, typer.Argument(help="Only this project's.")] = None,
    since: SinceOption = "30d",
) -> None:
    """Add up what training took and cost, by project.

    Billable seconds are SageMaker's; the price of an instance hour is what ops stated in the stage's config. Storage,
    builds and requests are not in it: AWS's bill has those.

    For example:
        dropforge cost
        dropforge cost digits --since 2026-11-01
    """
    with session.stage("adding up") as workspace:
        ports = workspace.ports
        asked = RunFilter(project, since=moment_meant(since, ports.clock.now()))
        runs = list_runs(ports, asked, LOOKED_THROUGH)
    sums = sums_of(runs)
    if session.console.as_json:
        session.console.document([{**vars(each), "cost_usd": str(each.cost_usd)} for each in sums])
    else:
        _show(session, sums)
    if len(runs) == LOOKED_THROUGH:
        session.console.note(
            f"These are the newest {LOOKED_THROUGH:,} runs; a later --since, or one project, is exact."
        )


def sums_of(runs: Iterable[Run]) -> list[Sum]:
    """The dearest project first."""
    sums: dict[str, Sum] = {}
    for run in runs:
        sums.setdefault(run.project, Sum(run.project)).add(run)
    return sorted(sums.values(), key=lambda each: (-each.cost_usd, each.project))


def _show(session: Session, sums: list[Sum]) -> None:
    if not sums:
        session.console.note("No run was asked for in that time.")
        return
    from rich.table import Table  # noqa: PLC0415  (slow to import, and not needed for JSON)

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("PROJECT", "ENDED RUNS", "BILLABLE", "COST", ""):
        table.add_column(heading, no_wrap=True)
    for each in sums:
        unpriced = f"and {several(each.unpriced, 'run')} without a price in the config"
        table.add_row(
            each.project,
            f"{each.runs:,}",
            wording.span(each.billable_seconds),
            wording.money(each.cost_usd),
            unpriced if each.unpriced else "",
        )
    session.console.show(table)
