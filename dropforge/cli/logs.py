"""`dropforge logs RUN`: what the program printed."""

from __future__ import annotations

from typing import Annotated

import typer

from dropforge.cli import wording
from dropforge.cli.command import Session, stage_command
from dropforge.cli.exits import NotFoundError, UsageError
from dropforge.cli.show import RunArgument
from dropforge.domain.run import Attempt, Run
from dropforge.workflow.find_run import find_run
from dropforge.workflow.ports import Ports


@stage_command
def logs(
    session: Session,
    run: RunArgument,
    *,
    lines: Annotated[int, typer.Option(help="At most so many lines, the last ones.", min=1, max=10_000)] = 1_000,
    attempt: Annotated[int | None, typer.Option(help="Of this attempt; the latest unless said.", min=1)] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="From the first line on, and on until the attempt ends.")
    ] = False,
    every: Annotated[float, typer.Option(help="Seconds between two looks with --follow.", min=0.2)] = 2.0,
) -> None:
    """Print what a run's program wrote.

    For example:
        dropforge logs 3f2a91
        dropforge logs 3f2a91 --lines 20
        dropforge logs 3f2a91 -f
    """
    if follow:
        if session.console.as_json:
            raise UsageError("Give either --json or --follow: a log that is followed is lines.")
        _follow(session, run.lower(), attempt, every)
        return
    with session.stage("reading the log") as workspace:
        found = find_run(workspace.ports, run.lower())
        job = _attempt(found, attempt).job_name
        written = workspace.ports.logs.tail(job, lines)
    # The log may have been removed since, by its retention; the record keeps the end of the last attempt's.
    kept = found.result.log_tail if found.result and found.attempt and found.attempt.job_name == job else ()
    shown = written or kept[-lines:]
    if session.console.as_json:
        session.console.document({"run": found.id, "job": job, "lines": list(shown)})
        return
    for line in shown:
        session.console.line(line)
    if not shown:
        session.console.note(f"{job} has written nothing yet.")


def _follow(session: Session, prefix: str, number: int | None, every: float) -> None:
    with session.stage(doing="") as workspace:
        ports, read = workspace.ports, dict[str, str]()
        run = find_run(ports, prefix)
        while run.attempt is None and not run.status.is_terminal:
            run = _later(session, ports, run, every)
        followed = _attempt(run, number).number
        while True:
            attempt = _attempt(run, followed)
            # Asked before the log is read: what is written after that is read once more.
            has_ended = attempt.has_ended or run.status.is_terminal
            part = ports.logs.after(attempt.job_name, read)
            read = dict(part.read)
            for line in part.lines:
                session.console.line(line)
            if has_ended and not part.lines:
                return
            if not part.lines:
                run = _later(session, ports, run, every)


def _later(session: Session, ports: Ports, run: Run, every: float) -> Run:
    why = f" ({run.waiting.reason})" if run.waiting else ""
    with session.console.busy(f"{run.project} {run.id[: wording.SHORT]}: {run.status.value}{why} …"):
        session.wiring.sleep(every)
    return find_run(ports, run.id)


def _attempt(run: Run, number: int | None) -> Attempt:
    if run.attempt is None:
        why = run.waiting.reason if run.waiting else run.held.reason if run.held else run.status.value
        raise NotFoundError(f"The run {run.id} has not started ({why}): there is no log yet.")
    if number is None:
        return run.attempt
    found = next((each for each in run.attempts if each.number == number), None)
    if found is None:
        raise NotFoundError(f"The run {run.id} has {len(run.attempts)} attempt(s), and none numbered {number}.")
    return found
