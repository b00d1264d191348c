"""`dropforge stop RUN`: the end of a run that nobody wants any more."""

from __future__ import annotations

from dropforge.cli import wording
from dropforge.cli.command import Session, stage_command
from dropforge.cli.show import RunArgument
from dropforge.domain.encoding import encode_object
from dropforge.domain.run import Run
from dropforge.workflow.stop_run import stop_run


@stage_command
def stop(session: Session, run: RunArgument) -> None:
    """Stop a run.

    One that waits ends at once; one that trains ends when SageMaker has stopped its job, which saves what the program
    wrote so far. The record stays, with who stopped it.

    For example:
        dropforge stop 3f2a91
    """
    with session.stage() as workspace:
        stopped = stop_run(workspace.ports, run.lower(), workspace.caller)
    if session.console.as_json:
        session.console.document(encode_object(stopped))
    else:
        session.console.line(_told(stopped))


def _told(run: Run) -> str:
    name = run.id[: wording.SHORT]
    if run.status.is_open:
        return f"Stopping {name}: SageMaker was asked to end its job. `dropforge watch {name}` follows it."
    return f"{name} is {run.status.value}: nothing of it runs."
