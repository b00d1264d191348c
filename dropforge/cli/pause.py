"""`dropforge pause`: everything that comes is kept, and nothing starts."""

from __future__ import annotations

from typing import Annotated

import typer

from dropforge.cli.command import Session, stage_command
from dropforge.cli.exits import UsageError
from dropforge.domain.encoding import encode_object
from dropforge.workflow.pause_project import pause_project

ProjectArgument = Annotated[str | None, typer.Argument(metavar="PROJECT", help="The project; or --all.")]
AllOption = Annotated[bool, typer.Option("--all", help="Every project of the stage.")]


@stage_command
def pause(session: Session, project: ProjectArgument = None, everything: AllOption = False) -> None:
    """Let a project, or all, start nothing.

    No training and no rebuild. What comes is kept, and jobs that run go on.

    For example:
        dropforge pause digits
        dropforge pause --all
    """
    target = one_or_all(project, everything=everything)
    with session.stage() as workspace:
        paused = pause_project(workspace.ports, target, workspace.caller)
    if session.console.as_json:
        session.console.document(encode_object(paused))
    else:
        again = f"dropforge resume {target or '--all'}"
        session.console.line(f"Paused {target or 'every project of the stage'}; `{again}` lets it go on.")


def one_or_all(project: str | None, *, everything: bool) -> str | None:
    """The project that is meant, None for all; UsageError unless exactly one of the two was said."""
    if (project is None) is not everything:
        raise UsageError("Name one project, or say --all.")
    return project
