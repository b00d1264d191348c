"""`dropforge runs`: what trained, trains or waits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, TypedDict

import typer

from dropforge.cli import wording
from dropforge.cli.command import Session, stage_command
from dropforge.cli.moments import SinceOption, moment_meant
from dropforge.domain.drop import ObjectName
from dropforge.domain.encoding import encode_object
from dropforge.domain.run import Run, RunStatus
from dropforge.workflow.find_run import find_run
from dropforge.workflow.list_runs import RunFilter, list_runs, list_unreadable_runs, ref_of


@stage_command
def runs(
    session: Session,
    project: Annotated[str | None, typer.Argument(help="Only this project's.")] = None,
    *,
    status: Annotated[list[RunStatus] | None, typer.Option(help="Only in this status; may be repeated.")] = None,
    commit: Annotated[str | None, typer.Option(help="Only of this commit, or of those that begin so.")] = None,
    data: Annotated[
        str | None, typer.Option(help="Only on this: a dataset version or its first digits, or an object's key.")
    ] = None,
    author: Annotated[str | None, typer.Option(help="Only of commits by this person, or asked for by them.")] = None,
    since: SinceOption = None,
    before: Annotated[str | None, typer.Option(help="The page that follows this run.")] = None,
    limit: Annotated[int, typer.Option(help="How many.", min=1, max=100)] = 20,
) -> None:
    """List runs, the newest first.

    For example:
        dropforge runs
        dropforge runs digits --limit 5 --json
        dropforge runs --status FAILED --since 7d
        dropforge runs --data s3://my-training-bucket/digits/digits.csv
    """
    with session.stage() as workspace:
        ports = workspace.ports
        asked = RunFilter(
            project=project,
            statuses=frozenset(status or ()),
            commit=commit.lower() if commit else None,
            author=author,
            since=moment_meant(since, ports.clock.now()),
            **_data(data),
        )
        after = ref_of(find_run(ports, before.lower())) if before else None
        listed = list_runs(ports, asked, limit, after)
        unreadable = list_unreadable_runs(ports, project, limit) if before is None else ()
    for ref in unreadable:
        session.console.note(f"The record of run {ref.id} of {ref.project} cannot be read: `dropforge show {ref.id}`.")
    if session.console.as_json:
        session.console.document([encode_object(run) for run in listed])
    elif not listed:
        session.console.note(_none(asked, before))
    else:
        _show(session, listed)
    if len(listed) == limit:
        session.console.note(f"There may be more: add --before {listed[-1].id[: wording.SHORT]}.")


class _DataFilter(TypedDict, total=False):
    dataset: str
    data: ObjectName


def _data(text: str | None) -> _DataFilter:
    """A dataset version, by the digits that tables show of it, or else an object."""
    if text is None:
        return {}
    digits = text.lower().removeprefix("sha256:")
    if re.fullmatch(r"[0-9a-f]{6,64}", digits):
        return {"dataset": f"sha256:{digits}"}
    return {"data": ObjectName.parse(text)}


def _none(asked: RunFilter, before: str | None) -> str:
    if asked.takes_all and before is None:
        return "No runs yet. `dropforge projects` says what each project waits for."
    return "No run is like this. `dropforge runs` lists them all."


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
