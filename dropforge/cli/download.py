"""`dropforge download RUN`: the trained model, as it was recorded."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from dropforge.cli import wording
from dropforge.cli.command import Session, stage_command
from dropforge.cli.exits import CommandError, NotFoundError
from dropforge.cli.show import RunArgument
from dropforge.cli.wiring import Workspace
from dropforge.domain.artifact_layout import statement_name
from dropforge.domain.encoding import encode_object
from dropforge.domain.run import Run
from dropforge.domain.training_job import ModelArtifact
from dropforge.workflow.find_run import find_run


@stage_command
def download(
    session: Session,
    run: RunArgument,
    to: Annotated[Path, typer.Option(help="A folder, or the file to write.")] = Path(),
) -> None:
    """Download the model of a run, and beside it its signed statement.

    The very version of model.tar.gz that the run recorded, checked against its SHA-256 where that is on record.
    `dropforge verify FILE --key PEM` then says of the file alone what it is.

    For example:
        dropforge download 3f2a91
        dropforge download 3f2a91 --to models/digits.tar.gz
    """
    with session.stage("downloading") as workspace:
        found = find_run(workspace.ports, run.lower())
        model = _model(found)
        file = to / f"{found.project}-{found.id[: wording.SHORT]}.tar.gz" if to.is_dir() else to
        if file.exists():
            raise CommandError(f"{file} is there already: remove it, or name another file with --to.")
        fetched = replace(model, sha256=_fetch(workspace, model, file))
        statement = _fetch_statement(workspace, found, file)
    if session.console.as_json:
        session.console.document({"run": found.id, "file": str(file), "statement": statement, **encode_object(fetched)})
    else:
        session.console.line(f"{file}  {wording.size(model.size)}  {fetched.hash_sentence}")
    if model.sha256 is None:
        session.console.note("The run recorded no SHA-256 to compare with: this is what S3 has under its version.")


def _model(run: Run) -> ModelArtifact:
    if run.result is None:
        raise NotFoundError(f"The run {run.id} is {run.status.value}: `dropforge watch {run.id}` waits for its end.")
    if run.result.model is None:
        raise NotFoundError(f"The run {run.id} left no model: `dropforge show {run.id}` says why.")
    return run.result.model


def _fetch_statement(workspace: Workspace, run: Run, file: Path) -> str | None:
    """The name of the file that it is written to; None where nothing was signed of the model, or not yet."""
    signed = run.signed.provenance if run.signed is not None else None
    envelope = workspace.ports.statements.read(signed) if signed is not None else None
    if envelope is None:
        return None
    to = Path(statement_name(str(file)))
    to.write_bytes(envelope)
    return str(to)


def _fetch(workspace: Workspace, model: ModelArtifact, file: Path) -> str:
    """Write the file whole and checked, or not at all; its SHA-256."""
    if not file.parent.is_dir():
        raise CommandError(f"There is no folder {file.parent}: make it, or name another with --to.")
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("wb") as stream:
            workspace.fetch_model(model, stream)
        with part.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if model.sha256 is not None and digest != model.sha256:
            raise CommandError(
                f"What {model.uri} holds is not the recorded model (SHA-256 {digest}, recorded {model.sha256}): "
                "nothing was written; tell ops."
            )
        part.rename(file)
        return digest
    finally:
        part.unlink(missing_ok=True)
