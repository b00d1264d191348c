"""Is this the model that the statement describes, and does the record say the same?"""

from __future__ import annotations

from dataclasses import fields

from dropforge.domain.errors import DropforgeError
from dropforge.domain.run import Run
from dropforge.domain.statement import ModelProvenance
from dropforge.domain.trail import TrailEntry
from dropforge.workflow.ports import PublicKey
from dropforge.workflow.signed_payload import signed_payload


class ModelRefusedError(DropforgeError):
    """A model is not what a statement, which is itself in order, describes."""


def verify_model(envelope: bytes, key: PublicKey, sha256: str) -> ModelProvenance:
    """What the stage has signed of the model with this SHA-256 (64 hexadecimal digits). It takes no AWS.

    EnvelopeError, SignatureError, StatementError, ModelRefusedError.
    """
    provenance = ModelProvenance.from_payload(signed_payload(envelope, key))
    if provenance.sha256 != sha256:
        raise ModelRefusedError(
            f"the model's SHA-256 is {sha256}, and what was signed for run {provenance.run} is {provenance.sha256}: "
            "the model was changed, or the statement is another model's"
        )
    return provenance


def expect_run(provenance: ModelProvenance, run_id: str) -> None:
    """Runs may give the very same bytes, so that a statement fits the model and is still another run's."""
    if not provenance.run.startswith(run_id):
        raise ModelRefusedError(
            f"the statement is that of run {provenance.run}, and not of {run_id}: it was put where it does not belong"
        )


def expect_place(provenance: ModelProvenance, uri: str) -> None:
    if provenance.uri != uri:
        raise ModelRefusedError(f"the statement is about {provenance.uri}, and not about {uri}: it was put there")


def expect_record(provenance: ModelProvenance, run: Run, trail: tuple[TrailEntry, ...], deployment: str) -> None:
    """That the record still says what was signed, in every member, and that its trail goes on from the signed head."""
    head = provenance.trail
    if len(trail) < head.sequence or trail[head.sequence - 1].digest != head.digest:
        raise ModelRefusedError(
            f"the trail of run {run.id} is not the one that was signed: `dropforge audit verify {run.id}` says more"
        )
    recorded = ModelProvenance.of(run, head, provenance.builder, deployment, provenance.repository)
    for name in (each.name for each in fields(ModelProvenance)):
        signed, now = getattr(provenance, name), getattr(recorded, name)
        if signed != now:
            raise ModelRefusedError(
                f"the record of run {run.id} has another {name} ({now}) than was signed ({signed}): "
                "one of the two was changed"
            )
