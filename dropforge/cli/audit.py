"""`dropforge audit`: whether the record is what was once written."""

from __future__ import annotations

from typing import Annotated

import typer

from dropforge.cli import wording
from dropforge.cli.command import Session, stage_command
from dropforge.cli.console import Console
from dropforge.cli.exits import CommandError, UsageError
from dropforge.cli.verify import KeyOption, public_key_of
from dropforge.domain.encoding import encode_object
from dropforge.workflow.find_run import find_run
from dropforge.workflow.verify_trail import TrailVerdict, recorded_runs, verify_trail

MOST_RUNS = 1_000_000

audit = typer.Typer(no_args_is_help=True, help="Check the record itself.", rich_markup_mode=None)


@stage_command
def verify(
    session: Session,
    run: Annotated[str, typer.Argument(metavar="RUN", help="Its id, or the first digits of it.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Every run that is on record or was ever signed.")] = False,
    key: KeyOption = None,
) -> None:
    """Check a run's trail against its hash chain and its signed heads.

    Finds an entry that was changed, removed, moved or cut off, a record that is not what its trail says, and a run
    that is gone. Exits with 1 when anything is wrong.

    For example:
        dropforge audit verify 3f2a91
        dropforge audit verify --all --key prod.pem
    """
    if bool(run) == every:
        raise UsageError("Name one run, or give --all.")
    with session.stage("reading the record") as workspace:
        ports, trusted = workspace.ports, public_key_of(workspace, key)
        ids = recorded_runs(ports, MOST_RUNS) if every else [find_run(ports, run.lower()).id]
        verdicts = [verify_trail(ports, each, trusted) for each in ids]
    _tell(session.console, verdicts)
    wrong = [verdict.run for verdict in verdicts if verdict.faults]
    if wrong:
        raise CommandError(
            f"{len(wrong)} of {len(verdicts)} do not hold. Keep both tables' point-in-time recovery as it is, and see "
            "docs/provenance.md."
        )


audit.command("verify")(verify)


def _tell(console: Console, verdicts: list[TrailVerdict]) -> None:
    if console.as_json:
        console.document([encode_object(verdict) for verdict in verdicts])
        return
    for verdict in verdicts:
        covered = f"signed up to entry {verdict.signed}" if verdict.signed else f"not signed ({verdict.note})"
        state = "DOES NOT HOLD" if verdict.faults else "holds"
        console.line(f"{verdict.run[: wording.SHORT]}  {state}: {verdict.entries} entries, {covered}")
        for fault in verdict.faults:
            console.line(f"{'':<{wording.SHORT}}  {fault}")
