"""Whether a model is what its stage signed, and whether the record is what was written, by the commands alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from demo.workbench import BIN
from dropforge.domain.run import Run
from tests.local.story import Story
from tests.local.trial import Trial

pytestmark = pytest.mark.local
NOWHERE = "http://127.0.0.1:9"
"""Nothing answers there."""


def signed(trial: Trial, run: Run) -> Run:
    def look() -> Run | None:
        found = trial.run(run.id)
        return found if found.signed is not None else None

    return trial.eventually(look, f"the signature of run {run.id}", trial.patience.run)


def test_a_completed_run_is_signed_because_its_own_event_told_of_its_end(trial: Trial, story: Story) -> None:
    run = signed(trial, story.first_run())
    assert run.signed is not None
    assert run.result is not None
    assert run.result.model is not None
    assert run.signed.provenance is not None
    assert run.signed.provenance.uri == f"{run.result.model.uri}.intoto.jsonl"
    assert run.signed.statement.uri.startswith(f"s3://{trial.deployment.audit_bucket}/heads/{run.id}/")


def test_a_model_is_verified_with_the_public_key_alone_and_a_changed_byte_is_seen(
    trial: Trial, story: Story, tmp_path: Path
) -> None:
    run = signed(trial, story.first_run())
    key, model = tmp_path / "trial.pem", tmp_path / "model.tar.gz"
    key.write_text(trial.dropforge("public-key").out)
    trial.dropforge("download", run.id, "--to", str(model))
    offline: list[str | Path] = [BIN / "dropforge", "verify", model, "--key", key]
    said = trial.bench.output(offline, AWS_ENDPOINT_URL=NOWHERE)
    assert said.startswith(f"This is the model of run {run.id}, signed by dropforge-trial.")
    assert run.image.commit in said

    model.write_bytes(model.read_bytes()[:-1] + b"?")
    with pytest.raises(Exception, match="the model was changed"):
        trial.bench.output(offline, AWS_ENDPOINT_URL=NOWHERE)


def test_what_kms_signed_is_verified_by_another_implementation(trial: Trial, story: Story) -> None:
    run = signed(trial, story.first_run())
    assert run.signed is not None
    assert run.signed.provenance is not None
    data = trial.ports.statements.read(run.signed.provenance)
    assert data is not None
    envelope = Envelope.from_dict(json.loads(data))
    pem = trial.ports.signer.public_key_pem()
    key = SSlibKey.from_crypto(load_pem_public_key(pem), keyid=next(iter(envelope.signatures)))
    assert envelope.verify([key], 1) == {key.keyid: key}


def test_a_run_is_verified_where_it_lies_and_against_its_record(trial: Trial, story: Story) -> None:
    run = signed(trial, story.first_run())
    assert trial.dropforge("verify", run.id[:8]).out.startswith(f"This is the model of run {run.id}")


def test_the_stack_itself_says_which_public_key_to_keep(trial: Trial) -> None:
    [stack] = trial.session.client("cloudformation").describe_stacks(StackName="dropforge-trial-training")["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    assert outputs["SigningPublicKey"].strip() == trial.dropforge("public-key").out.strip()


def test_the_audit_finds_an_entry_that_an_administrator_changed(disturbed: Trial, lines: Run) -> None:
    run = signed(disturbed, lines)
    assert f"{run.id[:12]}  holds" in disturbed.dropforge("audit", "verify", run.id).out
    with changed_entry(disturbed, run, sequence=2):
        [verdict] = disturbed.dropforge("audit", "verify", run.id, "--json").document
        assert "entry 3" in verdict["faults"][0]
    assert f"{run.id[:12]}  holds" in disturbed.dropforge("audit", "verify", run.id).out


@contextmanager
def changed_entry(trial: Trial, run: Run, sequence: int) -> Iterator[None]:
    """An administrator writes into the trail's table, and afterwards writes back what was there."""
    dynamodb, table = trial.aws.dynamodb, trial.deployment.trail_table
    key: Any = {"pk": {"S": f"RUN#{run.id}"}, "sk": {"S": f"{sequence:010d}"}}
    item = dynamodb.get_item(TableName=table, Key=key)["Item"]
    dynamodb.put_item(TableName=table, Item=item | {"body": {"S": item["body"]["S"].replace("2026", "2025")}})
    try:
        yield
    finally:
        dynamodb.put_item(TableName=table, Item=item)
