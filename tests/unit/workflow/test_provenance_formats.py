"""What is signed, read and verified by other people's implementations of DSSE, in-toto and SLSA."""

from __future__ import annotations

import json

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1 import provenance_pb2
from in_toto_attestation.v1 import statement_pb2
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

from dropforge.domain.run import Run
from dropforge.domain.training_job import ModelArtifact
from tests.fakes.memory_signing import a_private_key
from tests.fakes.signed_world import COMMIT, public_key_of, world_with_a_signed_run
from tests.fakes.world import World


def signed() -> tuple[World, Run, ModelArtifact, Envelope]:
    """A world with a run, its model, and the model's envelope as securesystemslib reads it."""
    world, run = world_with_a_signed_run()
    assert run.result is not None
    assert run.result.model is not None
    data = world.statements.beside(run.result.model.uri)
    assert data is not None
    return world, run, run.result.model, Envelope.from_dict(json.loads(data))


def statement_in(envelope: Envelope) -> Statement:
    return Statement.copy_from_pb(json_format.Parse(envelope.payload, statement_pb2.Statement()))


def test_the_envelope_is_one_line_of_dsse_that_another_implementation_verifies() -> None:
    world, _, _, envelope = signed()
    key = SSlibKey.from_crypto(world.signer.key.public_key(), keyid=public_key_of(world).key_id)
    assert envelope.payload_type == "application/vnd.in-toto+json"
    assert envelope.verify([key], 1) == {key.keyid: key}


@pytest.mark.parametrize("changed", ["payload", "payload_type"])
def test_another_implementation_refuses_what_was_changed(changed: str) -> None:
    world, _, _, envelope = signed()
    key = SSlibKey.from_crypto(world.signer.key.public_key(), keyid=public_key_of(world).key_id)
    before = getattr(envelope, changed)
    setattr(envelope, changed, before[:-1] + (b" " if isinstance(before, bytes) else " "))
    with pytest.raises(VerificationError):
        envelope.verify([key], 1)


def test_another_implementation_refuses_another_key() -> None:
    world, _, _, envelope = signed()
    other = SSlibKey.from_crypto(a_private_key().public_key(), keyid=public_key_of(world).key_id)
    with pytest.raises(VerificationError):
        envelope.verify([other], 1)


def test_the_payload_is_a_valid_in_toto_statement_about_the_model() -> None:
    _, _, model, envelope = signed()
    statement = statement_in(envelope)
    statement.validate()
    [subject] = statement.pb.subject
    assert statement.pb.predicate_type == "https://slsa.dev/provenance/v1"
    assert (subject.name, subject.uri) == (model.uri.rpartition("/")[2], model.uri)
    assert dict(subject.digest) == {"sha256": model.sha256}
    assert subject.annotations["s3VersionId"] == model.version_id


def test_the_predicate_is_slsa_provenance_without_a_member_that_slsa_does_not_know() -> None:
    world, run, _, envelope = signed()
    predicate = json.loads(envelope.payload)["predicate"]
    provenance = json_format.ParseDict(predicate, provenance_pb2.Provenance(), ignore_unknown_fields=False)
    definition, details = provenance.build_definition, provenance.run_details
    source, image, dataset = definition.resolved_dependencies
    assert dict(source.digest) == {"gitCommit": COMMIT}
    assert source.uri == "git+https://github.com/example/digits@refs/heads/main"
    assert f"sha256:{image.digest['sha256']}" == run.image.digest
    assert f"sha256:{dataset.digest['sha256']}" == run.dataset.version
    assert definition.internal_parameters["run"] == run.id
    assert definition.external_parameters["spec"]["compute"]["instance_type"] == run.spec.compute.instance_type
    assert details.builder.id == world.signer.name
    assert details.metadata.finished_on.ToDatetime() > details.metadata.started_on.ToDatetime()


def test_the_trails_head_is_a_byproduct_and_its_own_signed_statement() -> None:
    world, run, _, envelope = signed()
    assert run.signed is not None
    [byproduct] = json.loads(envelope.payload)["predicate"]["runDetails"]["byproducts"]
    assert f"sha256:{byproduct['digest']['sha256']}" == run.signed.head.digest
    [head] = world.statements.trail_heads(run.id)
    statement = statement_in(Envelope.from_dict(json.loads(head)))
    statement.validate()
    assert dict(statement.pb.subject[0].digest) == byproduct["digest"]
