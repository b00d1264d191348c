"""`dropforge retry RUN`: another attempt at a run that failed or was stopped."""

from __future__ import annotations

from dropforge.cli import wording
from dropforge.cli.command import Session, stage_command
from dropforge.cli.show import RunArgument
from dropforge.domain.encoding import encode_object
from dropforge.workflow.retry_run import retry_run


@stage_command
def retry(session: Session, run: RunArgument) -> None:
    """Try a failed or stopped run again.

    The same image, data and parameters, in a new job; it goes on from checkpoints where the training spec keeps some.
    The record says who asked for it.

    For example:
        dropforge retry 3f2a91 && dropforge watch 3f2a91
    """
    with session.stage() as workspace:
        again = retry_run(workspace.ports, run.lower(), workspace.caller)
    if session.console.as_json:
        session.console.document(encode_object(again))
        return
    name = again.id[: wording.SHORT]
    line = f"{name} is in line again, for attempt {again.next_attempt}."
    session.console.line(f"{line} `dropforge watch {name}` follows it.")
