"""`dropforge doctor`: what is misconfigured, and what to do about it."""

from __future__ import annotations

import typer

from dropforge.cli.command import Session, stage_command
from dropforge.cli.exits import ExitCode
from dropforge.domain.counting import several
from dropforge.workflow.diagnose import diagnose


@stage_command
def doctor(session: Session) -> None:
    """Look for what keeps a stage from working.

    A pending connection, unconfirmed mail, missing images or data, quotas of zero, dead letters, pauses, guard rails
    that no run can meet; each with its remedy. Nothing is changed. The exit code is 1 when something was found.

    For example:
        dropforge doctor
        dropforge doctor --json
    """
    with session.stage("looking at everything") as workspace:
        found = list(diagnose(workspace.ports, workspace.surroundings))
        projects = len(workspace.ports.stage.projects)
    if session.console.as_json:
        session.console.document([vars(each) for each in found])
    for each in found if not session.console.as_json else []:
        session.console.line(f"{each.of or 'the stage'}: {each.problem}", "bold")
        session.console.line(f"  {each.remedy}")
    if found:
        raise typer.Exit(ExitCode.FAILED)
    session.console.note(f"Nothing is wrong with the stage and its {several(projects, 'project')}.")
