"""`dropforge dead-letters`: what could not be handled, why, and the way back."""

from __future__ import annotations

from typing import Annotated

import typer

from dropforge.cli import wording
from dropforge.cli.command import Session, stage_command
from dropforge.cli.wiring import DeadLetters
from dropforge.domain.counting import several
from dropforge.domain.dead_letter import DeadLetter
from dropforge.domain.encoding import encode_object

BODY_SHOWN = 200


@stage_command
def dead_letters(
    session: Session,
    queue: Annotated[str | None, typer.Argument(metavar="QUEUE", help="One of them; all unless said.")] = None,
    redrive: Annotated[bool, typer.Option("--redrive", help="Send what lies there back to be handled again.")] = False,
    limit: Annotated[
        int, typer.Option(help="How many of each queue to show; of an ordered one, SQS shows ten.", min=1, max=100)
    ] = 10,
) -> None:
    """List what could not be handled, with the reason.

    Messages stay where they are until --redrive sends them back; do that when the reason is gone. Everything that
    handles them may see them twice.

    For example:
        dropforge dead-letters
        dropforge dead-letters job-state-dead-letters --redrive
    """
    with session.stage() as workspace:
        there = workspace.dead_letters
        wanted = [queue] if queue is not None else list(there.queues)
        if redrive:
            _send_back(session, there, wanted)
            return
        found = [letter for each in wanted for letter in there.letters(each, limit)]
    if session.console.as_json:
        session.console.document([encode_object(each) for each in found])
        return
    for each in found:
        _show(session, each)
    if not found:
        session.console.note("No dead letters.")


def _show(session: Session, letter: DeadLetter) -> None:
    seen = several(letter.receives, "time")
    session.console.line(f"{letter.queue}  {wording.moment(letter.sent_at)}  received {seen}", style="bold")
    session.console.line(f"  {letter.reason}")
    session.console.line(f"  {letter.message_id}: {letter.body[:BODY_SHOWN]}")


def _send_back(session: Session, there: DeadLetters, queues: list[str]) -> None:
    done = [there.redrive(each) for each in queues]
    if session.console.as_json:
        session.console.document([encode_object(each) for each in done])
        return
    for each in done:
        if each.sent or each.dropped:
            dropped = (
                f"; {each.dropped} removed, which the sweep or the next deployment sees to" if each.dropped else ""
            )
            session.console.line(f"{each.queue}: {several(each.sent, 'message')} sent back{dropped}")
        if each.kept:
            session.console.note(
                f"{each.queue}: {several(each.kept, 'message')} left there, which do not say where they were to go: "
                f"read them with `dropforge dead-letters {each.queue}`, and delete in SQS what nobody needs."
            )
    if not any(each.sent or each.dropped or each.kept for each in done):
        session.console.note("No dead letters.")
