"""`dropforge resume`: the end of a pause, and another look at what was held."""

from __future__ import annotations

from dropforge.cli.command import Session, stage_command
from dropforge.cli.pause import AllOption, ProjectArgument, one_or_all
from dropforge.domain.counting import several
from dropforge.domain.encoding import encode_object
from dropforge.workflow.pause_project import pause_of
from dropforge.workflow.resume_project import resume_project


@stage_command
def resume(session: Session, project: ProjectArgument = None, everything: AllOption = False) -> None:
    """Let a project, or all, start again.

    What waits starts, and runs that were held, or were to wait for tomorrow, are looked at anew.

    For example:
        dropforge resume digits
        dropforge resume --all
    """
    target = one_or_all(project, everything=everything)
    with session.stage() as workspace:
        released = resume_project(workspace.ports, target, workspace.caller)
        still = pause_of(workspace.ports.store, target) if target else None
    if session.console.as_json:
        runs = [encode_object(run) for run in released]
        session.console.document({"released": runs, "paused": encode_object(still) if still else None})
        return
    session.console.line(
        f"Resumed {target or 'every project that was not paused by itself'}; "
        f"{several(len(released), 'run')} that a limit held back will be looked at again."
    )
    if still is not None:
        session.console.note("The whole stage is paused still: `dropforge resume --all` ends that.")
