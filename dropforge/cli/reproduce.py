"""`dropforge reproduce RUN`: the same again from the record alone, and whether the model comes out the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from dropforge.cli import wording
from dropforge.cli.command import Session, stage_command
from dropforge.cli.exits import CommandError, ExitCode
from dropforge.cli.model_contents import ContentDifference, Member, contents, differences
from dropforge.cli.show import RunArgument
from dropforge.cli.wiring import Workspace
from dropforge.domain.run import Run, RunStatus
from dropforge.workflow.find_run import find_run
from dropforge.workflow.reproduce_run import reproduce_run

SHOWN = 20


@stage_command
def reproduce(
    session: Session,
    run: RunArgument,
    *,
    wait: Annotated[
        bool, typer.Option(help="Wait for its end and compare; else it is compared when RUN names it later.")
    ] = True,
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.2)] = 2.0,
) -> None:
    """Repeat a run from its record alone, and compare the models.

    The image by its digest, the very object versions even when they were overwritten or deleted since, the same
    parameters: a run of its own, marked as a reproduction. Then the archives are compared by what is in them: paths,
    modes and the SHA-256 of each file; when they were packed does not count. The exit code is 0 when they are
    identical, 1 when they are not. Where RUN is itself a reproduction, that one is waited for and compared.

    For example:
        dropforge reproduce 3f2a91
        dropforge reproduce 3f2a91 --no-wait --json
    """
    with session.stage("looking for the inputs") as workspace:
        original = again = find_run(workspace.ports, run.lower())
        if again.reproduces is None:
            again = reproduce_run(workspace.ports, original, workspace.caller)
        else:
            original = find_run(workspace.ports, again.reproduces.of)
    name = again.id[: wording.SHORT]
    if not wait:
        _tell(session, original, again, None)
        return
    session.console.note(f"Reproduction {name} is in line; `dropforge reproduce {name}` goes on waiting for it.")
    with session.stage(doing="") as workspace:
        again = _ended(session, workspace, again, every)
        found = _compared(workspace, original, again)
    _tell(session, original, again, found)
    if found:
        raise typer.Exit(ExitCode.FAILED)


def _ended(session: Session, workspace: Workspace, run: Run, every: float) -> Run:
    while not run.status.is_terminal and run.status is not RunStatus.HELD:
        with session.console.busy(f"{run.project} {run.id[: wording.SHORT]}: {run.status.value} …"):
            session.wiring.sleep(every)
        run = find_run(workspace.ports, run.id)
    if run.status is not RunStatus.COMPLETED:
        raise CommandError(f"The reproduction {run.id} is {run.status.value}: `dropforge show {run.id}` says why.")
    return run


def _compared(workspace: Workspace, original: Run, again: Run) -> list[ContentDifference]:
    with TemporaryDirectory(prefix="dropforge-") as folder:
        first, second = (_contents_of(workspace, each, Path(folder) / each.id) for each in (original, again))
    return list(differences(first, second))


def _contents_of(workspace: Workspace, run: Run, file: Path) -> Mapping[str, Member]:
    if run.result is None or run.result.model is None:
        raise CommandError(f"The run {run.id} left no model: `dropforge show {run.id}` says why.")
    with file.open("wb") as stream:
        workspace.fetch_model(run.result.model, stream)
    return contents(file)


def _tell(session: Session, original: Run, again: Run, found: Sequence[ContentDifference] | None) -> None:
    """`found` is None where nothing was compared yet."""
    if session.console.as_json:
        compared = {"identical": not found, "differences": [vars(each) for each in found]} if found is not None else {}
        session.console.document({"run": again.id, "reproduces": original.id, **compared})
        return
    session.console.line(again.id)
    if found is None:
        return
    if not found:
        session.console.line(f"The model's content is identical to that of run {original.id}.")
        return
    session.console.line(f"The model's content differs from that of run {original.id}:")
    for each in found[:SHOWN]:
        session.console.line(f"  {each.path} {each.what}")
    if len(found) > SHOWN:
        session.console.line(f"  and {len(found) - SHOWN:,} more")
