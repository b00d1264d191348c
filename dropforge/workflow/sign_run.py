"""Sign how a finished run's trail ends, and where its model comes from."""

from __future__ import annotations

from dropforge.domain.dsse import Envelope, pre_authentication_encoding
from dropforge.domain.errors import DropforgeError
from dropforge.domain.run import Run, RunStatus, StoredStatement
from dropforge.domain.run_events import RunSigned
from dropforge.domain.statement import PAYLOAD_TYPE, ModelProvenance, TrailStatement
from dropforge.domain.trail import verify
from dropforge.workflow.ports import Ports
from dropforge.workflow.recording import record


class NothingToSignError(DropforgeError):
    """Somebody asks for the signature of a run that is not on record."""


def sign_run(ports: Ports, run_id: str) -> Run:
    """The run as it is afterwards. Nothing is signed for one that goes on, or whose end is covered by a signature.

    The trail is verified first: TrailBrokenError, and no signature, where it is not what the run's head says. Cut off
    anywhere, the run still awaits its signature, and the next delivery or the sweep signs anew: each statement is true
    by itself, and only those that RunSigned names count.
    """
    run = ports.store.run(run_id)
    if run is None:
        raise NothingToSignError(f"there is no run {run_id} to sign: restore the state table to before now")
    if not run.awaits_signature:
        return run
    verify(ports.store.trail(run.id)[: run.trail.sequence], run.trail)
    provenance = _sign_provenance(ports, run)
    statement = TrailStatement(run.id, run.project, ports.stage.deployment, run.status, run.changed_at, run.trail)
    envelope = _signed(ports, statement.to_payload())
    stored = ports.statements.put_trail_head(run.id, run.trail.sequence, envelope)
    return record(ports.store, run, RunSigned(ports.clock.now(), run.trail, stored, provenance))


def _sign_provenance(ports: Ports, run: Run) -> StoredStatement | None:
    model = run.result.model if run.result is not None else None
    if run.status is not RunStatus.COMPLETED or model is None or model.sha256 is None:
        return None
    project = ports.stage.find_project(run.project)
    repository = project.repository if project is not None else None
    provenance = ModelProvenance.of(run, run.trail, ports.signer.name, ports.stage.deployment, repository)
    return ports.statements.put_beside(model, _signed(ports, provenance.to_payload()))


def _signed(ports: Ports, payload: bytes) -> bytes:
    signature = ports.signer.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload))
    return Envelope(PAYLOAD_TYPE, payload, signature).to_bytes()
