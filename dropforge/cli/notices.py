"""`dropforge notices`: what ops must know and that is no run."""

from __future__ import annotations

from typing import Annotated

import typer

from dropforge.cli import wording
from dropforge.cli.command import Session, stage_command
from dropforge.domain.encoding import encode_object


@stage_command
def notices(
    session: Session,
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1, max=100)] = 20,
) -> None:
    """List what ops must know and that is no run.

    Objects refused, builds failed, connections pending, limits that hold runs back: what happened, and what to do.

    For example:
        dropforge notices --limit 5
    """
    with session.stage() as workspace:
        found = workspace.ports.store.notices(limit)
    if session.console.as_json:
        session.console.document([{"id": each.id, **encode_object(each)} for each in found])
        return
    for each in found:
        where = f"{each.project}  " if each.project else ""
        session.console.line(f"{wording.moment(each.at)}  {each.kind.value}  {where}{each.subject}", style="bold")
        session.console.line(f"  {each.sentence}")
    if not found:
        session.console.note("Nothing to report.")
