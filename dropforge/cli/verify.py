"""`dropforge verify`: is this the model that its signed statement describes?"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, BinaryIO, cast

import typer

from dropforge.cli.command import Session, stage_command
from dropforge.cli.console import Console
from dropforge.cli.ecdsa import EcdsaPublicKey
from dropforge.cli.exits import CommandError, NotFoundError, UsageError
from dropforge.cli.wiring import Workspace
from dropforge.domain.artifact_layout import statement_name
from dropforge.domain.encoding import encode_object
from dropforge.domain.statement import ModelProvenance
from dropforge.domain.training_job import ModelArtifact
from dropforge.workflow.find_run import find_run
from dropforge.workflow.verify_model import expect_place, expect_record, expect_run, verify_model

KeyOption = Annotated[
    Path | None,
    typer.Option(help="The stage's public key in PEM, as you once got it; asked of AWS if left out.", exists=True),
]


@stage_command
def verify(
    session: Session,
    model: Annotated[str, typer.Argument(metavar="FILE|URI|RUN", help="A file here, an s3:// URI, or a run.")],
    key: KeyOption = None,
    statement: Annotated[
        Path | None, typer.Option(help="The file's signed statement; FILE.intoto.jsonl if left out.", exists=True)
    ] = None,
    of_run: Annotated[str, typer.Option("--run", help="Which run's model it has to be.")] = "",
) -> None:
    """Check that a model is the one that its stage has signed.

    With a file and --key nothing is asked of AWS. A changed byte, another model's or another run's statement, and
    another key are refused, with the reason. Of a run, its record too has to say what was signed.

    For example:
        dropforge verify digits-3f2a91.tar.gz --key prod.pem
        dropforge verify digits-3f2a91.tar.gz --key prod.pem --run 3f2a91
        dropforge verify 3f2a91
    """
    if Path(model).is_file():
        trusted = key or _no_key()
        provenance = _file(Path(model), statement, EcdsaPublicKey.from_pem(trusted.read_bytes()))
    elif model.startswith("s3://"):
        with session.stage("reading the model") as workspace:
            provenance = _uri(workspace, model, public_key_of(workspace, key))
    elif "/" in model or "." in model:
        raise NotFoundError(f"There is no file {model} here: name the model's archive, its s3:// URI or its run.")
    else:
        with session.stage("reading the model") as workspace:
            provenance = _run(workspace, model.lower(), public_key_of(workspace, key))
    if of_run:
        expect_run(provenance, of_run.lower())
    _tell(session.console, provenance)


def public_key_of(workspace: Workspace, given: Path | None) -> EcdsaPublicKey:
    """Whoever must not trust the account that they look into gives the key that they kept."""
    return EcdsaPublicKey.from_pem(given.read_bytes() if given else workspace.ports.signer.public_key_pem())


def _no_key() -> Path:
    raise UsageError(
        "Give the stage's public key with --key: `dropforge public-key > stage.pem` writes it, once and for all."
    )


def _file(model: Path, statement: Path | None, key: EcdsaPublicKey) -> ModelProvenance:
    beside = statement or Path(statement_name(str(model)))
    if not beside.is_file():
        raise NotFoundError(f"There is no {beside}: `dropforge download` brings it along, or name it with --statement.")
    with model.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return verify_model(beside.read_bytes(), key, sha256)


def _uri(workspace: Workspace, uri: str, key: EcdsaPublicKey) -> ModelProvenance:
    model = workspace.ports.bucket.model_artifact(uri, lambda: True)
    envelope = workspace.ports.statements.beside(uri)
    if model is None or envelope is None:
        raise NotFoundError(f"There is no {'model' if model is None else 'signed statement'} at {uri}.")
    provenance = verify_model(envelope, key, _sha256(workspace, model))
    expect_place(provenance, uri)
    return provenance


def _run(workspace: Workspace, run_id: str, key: EcdsaPublicKey) -> ModelProvenance:
    ports = workspace.ports
    run = find_run(ports, run_id)
    model, signed = run.result.model if run.result is not None else None, run.signed
    if model is None:
        raise NotFoundError(f"The run {run.id} has no model: `dropforge show {run.id}` says why.")
    if signed is None or signed.provenance is None:
        why = "is about to be signed" if run.awaits_signature else "has no signed statement"
        raise NotFoundError(f"The model of run {run.id} {why}: {model.hash_sentence}.")
    envelope = ports.statements.read(signed.provenance)
    if envelope is None:
        raise CommandError(f"{signed.provenance.uri} is gone, and the record names it: ask ops who removed it.")
    provenance = verify_model(envelope, key, _sha256(workspace, model))
    expect_run(provenance, run.id)
    expect_record(provenance, run, ports.store.trail(run.id), ports.stage.deployment)
    return provenance


@dataclass
class _Hash:
    """Takes what is downloaded and keeps its hash alone."""

    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return len(data)


def _sha256(workspace: Workspace, model: ModelArtifact) -> str:
    sink = _Hash()
    workspace.fetch_model(model, cast("BinaryIO", sink))
    return sink.digest.hexdigest()


def _tell(console: Console, provenance: ModelProvenance) -> None:
    if console.as_json:
        console.document(encode_object(provenance))
        return
    console.line(f"This is the model of run {provenance.run}, signed by {provenance.deployment}.")
    for name, value in (
        ("SHA-256", provenance.sha256),
        ("commit", f"{provenance.commit} of {provenance.repository or 'a repository not on record'}"),
        ("author", f"{provenance.claimed_author} (claimed)"),
        ("image", provenance.image_digest),
        ("data", provenance.dataset_version),
        ("trained", f"{provenance.started_at} to {provenance.finished_at}"),
        ("trail", f"entry {provenance.trail.sequence}, {provenance.trail.digest}"),
    ):
        console.line(f"  {name:<9}{value}")
