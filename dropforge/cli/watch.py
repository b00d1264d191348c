"""`dropforge watch RUN`: follows a run to its end."""

from __future__ import annotations

from typing import Annotated

import typer

from dropforge.cli import wording
from dropforge.cli.command import Session, stage_command
from dropforge.cli.exits import ExitCode
from dropforge.cli.show import RunArgument
from dropforge.cli.story import sentence
from dropforge.domain.encoding import encode_object
from dropforge.domain.run import Run, RunStatus
from dropforge.domain.run_events import event_from_document
from dropforge.workflow.find_run import find_run
from dropforge.workflow.ports import Runs


@stage_command
def watch(
    session: Session,
    run: RunArgument,
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.2)] = 2.0,
) -> None:
    """Follow a run until it ends.

    A line for each thing that happens. The exit code says how it ended: 0 when the run completed; 1 when it failed,
    was stopped, or is held and will not start by itself. With --json the lines go to stderr, and the run's final
    record to stdout.

    For example:
        dropforge watch 3f2a91 && dropforge download 3f2a91
    """
    with session.stage(doing="") as workspace:
        ports = workspace.ports
        current, seen = find_run(ports, run.lower()), 0
        while True:
            seen = _tell(session, ports.store, current, seen)
            if current.status.is_terminal or current.status is RunStatus.HELD:
                break
            with session.console.busy(f"{current.project} {current.id[: wording.SHORT]}: {current.status.value} …"):
                session.wiring.sleep(every)
            current = find_run(ports, current.id)
    if session.console.as_json:
        session.console.document(encode_object(current))
    if current.status is not RunStatus.COMPLETED:
        raise typer.Exit(ExitCode.FAILED)


def _tell(session: Session, store: Runs, run: Run, seen: int) -> int:
    """Print what happened since, and give how much of the trail has been told."""
    if run.trail.sequence == seen:
        return seen
    trail = store.trail(run.id)
    say = session.console.note if session.console.as_json else session.console.line
    for entry in trail[seen:]:
        event = event_from_document(entry.document())
        say(f"{wording.clock(event.at)}  {sentence(event)}")
    return len(trail)
