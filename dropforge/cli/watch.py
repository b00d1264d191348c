"""`dropforge watch [RUN]`: follows a run to its end, or everything."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from dropforge.cli import wording
from dropforge.cli.command import Session, stage_command
from dropforge.cli.exits import ExitCode
from dropforge.cli.story import sentence
from dropforge.domain.counting import several
from dropforge.domain.encoding import encode_object
from dropforge.domain.run import Run, RunStatus
from dropforge.domain.run_events import RunEvent, event_from_document
from dropforge.workflow.find_run import find_run
from dropforge.workflow.list_runs import RunFilter, list_runs
from dropforge.workflow.ports import Ports, Runs

FOLLOWED = 50
"""The newest runs of the stage, where no run was named."""


@stage_command
def watch(
    session: Session,
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="Its id, or the first digits of it; without it, every run.")
    ] = None,
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.2)] = 2.0,
) -> None:
    """Follow a run until it ends, or everything until Ctrl-C.

    A line for each thing that happens. The exit code says how the run ended: 0 when it completed; 1 when it failed,
    was stopped, or is held and will not start by itself. With --json the lines go to stderr, and the run's final
    record to stdout; without a run, each line of stdout is one event.

    For example:
        dropforge watch 3f2a91 && dropforge download 3f2a91
        dropforge watch
    """
    with session.stage(doing="") as workspace:
        if run is None:
            _watch_everything(session, workspace.ports, every)
        final = _watch_one(session, workspace.ports, run or "", every)
    if session.console.as_json:
        session.console.document(encode_object(final))
    if final.status is not RunStatus.COMPLETED:
        raise typer.Exit(ExitCode.FAILED)


def _watch_one(session: Session, ports: Ports, prefix: str, every: float) -> Run:
    current, seen = find_run(ports, prefix.lower()), 0
    say = session.console.note if session.console.as_json else session.console.line
    while True:
        for event in _events(ports.store, current, seen):
            say(f"{wording.clock(event.at)}  {sentence(event)}")
        seen = current.trail.sequence
        if current.status.is_terminal or current.status is RunStatus.HELD:
            return current
        with session.console.busy(f"{current.project} {current.id[: wording.SHORT]}: {current.status.value} …"):
            session.wiring.sleep(every)
        current = find_run(ports, current.id)


def _watch_everything(session: Session, ports: Ports, every: float) -> None:
    """From now on, until somebody interrupts it; what happened before is not told."""
    seen = {run.id: run.trail.sequence for run in list_runs(ports, RunFilter(), FOLLOWED)}
    session.console.note(f"Following {several(len(ports.stage.projects), 'project')}; Ctrl-C ends it.")
    while True:
        with session.console.busy("waiting for something to happen …"):
            session.wiring.sleep(every)
        for run in reversed(list_runs(ports, RunFilter(), FOLLOWED)):
            for event in _events(ports.store, run, seen.get(run.id, 0)):
                _tell_of(session, run, event)
            seen[run.id] = run.trail.sequence


def _tell_of(session: Session, run: Run, event: RunEvent) -> None:
    if session.console.as_json:
        document = {"run": run.id, "project": run.project, "type": type(event).__name__, **encode_object(event)}
        session.console.line(json.dumps(document, ensure_ascii=False))
        return
    session.console.line(f"{wording.clock(event.at)}  {run.project} {run.id[: wording.SHORT]}  {sentence(event)}")


def _events(store: Runs, run: Run, seen: int) -> list[RunEvent]:
    """What happened since so many entries of the trail had been told."""
    if run.trail.sequence <= seen:
        return []
    entries = store.trail(run.id)[seen : run.trail.sequence]
    return [event_from_document(entry.document()) for entry in entries]
