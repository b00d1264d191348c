"""`dropforge runs`: what trained, trains or waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from dropforge.cli import wording
from dropforge.cli.command import Session, stage_command
from dropforge.domain.encoding import encode_object
from dropforge.domain.run import Run
from dropforge.workflow.list_runs import list_runs, list_unreadable_runs


@stage_command
def runs(
    session: Session,
    project: Annotated[str | None, typer.Argument(help="Only this project's.")] = None,
    limit: Annotated[int, typer.Option(help="How many.", min=1, max=100)] = 20,
) -> None:
    """List runs, the newest first.

    For example:
        dropforge runs
        dropforge runs digits --limit 5 --json
    """
    with session.stage() as workspace:
        listed = list_runs(workspace.ports, project, limit)
        unreadable = list_unreadable_runs(workspace.ports, project, limit)
    for ref in unreadable:
        session.console.note(f"The record of run {ref.id} of {ref.project} cannot be read: `dropforge show {ref.id}`.")
    if session.console.as_json:
        session.console.document([encode_object(run) for run in listed])
    elif not listed:
        session.console.note("No runs yet. `dropforge projects` says what each project waits for.")
    else:
        _show(session, listed)


def _show(session: Session, listed: Sequence[Run]) -> None:
    from rich.table import Table  # noqa: PLC0415  (slow to import, and not needed for JSON)

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("RUN", "PROJECT", "STATUS", "ASKED FOR", "BY", "COMMIT", "DATA"):
        table.add_column(heading, no_wrap=True)
    table.add_column("RESULT", overflow="fold")
    for run in listed:
        table.add_row(
            run.id[: wording.SHORT],
            run.project,
            run.status.value,
            wording.moment(run.requested_at),
            run.requester.kind.value,
            wording.short(run.image.commit),
            wording.short(run.dataset.version),
            outcome(run),
        )
    session.console.show(table)


def outcome(run: Run) -> str:
    """The one thing to know about the run: how good the model is, or why there is none."""
    if run.waiting is not None:
        return run.waiting.reason
    if run.held is not None:
        return run.held.reason
    if run.result is None:
        return run.attempt.state.secondary if run.attempt and run.attempt.state else ""
    reason = wording.first_line(run.result.reason or "")
    return ", ".join(filter(None, [reason, wording.metrics(run.result.metrics)]))
