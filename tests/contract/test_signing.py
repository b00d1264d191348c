"""Signing, keeping what is signed, and telling others, on a local AWS."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.eventbridge import EventBridgeStateChanges
from dropforge.adapters.events.signing import run_to_sign_in
from dropforge.adapters.kms import KmsSigner
from dropforge.adapters.s3_statements import S3Statements
from dropforge.cli.ecdsa import EcdsaPublicKey
from dropforge.domain.announcement import Outcome
from dropforge.domain.artifact_layout import trail_statement_key
from dropforge.domain.run import StoredStatement
from dropforge.domain.run_events import RunAnnounced, RunRetried, RunSigned, RunWithdrawn
from dropforge.domain.state_change import state_change_of
from dropforge.domain.training_job import ModelArtifact
from dropforge.workflow.ports import MetadataStore, Statements
from tests.contract.conftest import BOTH
from tests.contract.records import NOON, a_request
from tests.contract.test_outward import a_queue, bodies
from tests.contract.waking import wakeups_by
from tests.fakes.memory_signing import AUDIT_BUCKET, MemoryStatements
from tests.fakes.specimens import after

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
MODEL = "runs/3f2a/01/job/output/model.tar.gz"


@dataclass
class Kept:
    """The port, and the places that it writes to."""

    port: Statements
    artifacts: str
    audit: str
    aws: AwsClients | None = None

    @property
    def model(self) -> ModelArtifact:
        return ModelArtifact(f"s3://{self.artifacts}/{MODEL}", "v1", 5, "0" * 64)

    def hide(self, stored: StoredStatement) -> None:
        """Somebody deletes it, as far as who does not look at versions can see."""
        if self.aws is not None:
            self.aws.s3.delete_object(Bucket=self.audit, Key=stored.uri.removeprefix(f"s3://{self.audit}/"))


@pytest.fixture(params=BOTH)
def kept(request: pytest.FixtureRequest) -> Kept:
    if request.param == "memory":
        return Kept(MemoryStatements(), "artifacts", AUDIT_BUCKET)
    aws: AwsClients = request.getfixturevalue("local_aws")
    name = f"contract-{uuid4().hex[:12]}"
    for bucket in (f"{name}-artifacts", f"{name}-audit"):
        aws.s3.create_bucket(Bucket=bucket)
        aws.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    key = aws.session.client("kms").create_key()["KeyMetadata"]["Arn"]
    return Kept(S3Statements(aws, f"{name}-audit", key), f"{name}-artifacts", f"{name}-audit", aws)


def test_a_models_statement_lies_beside_it_and_the_latest_is_found_there(kept: Kept) -> None:
    first = kept.port.put_beside(kept.model, b"first\n")
    assert kept.port.beside(kept.model.uri) == b"first\n"
    kept.port.put_beside(kept.model, b"second\n")
    assert kept.port.beside(kept.model.uri) == b"second\n"
    assert kept.port.read(first) == b"first\n"
    assert first.uri == f"s3://{kept.artifacts}/{MODEL}.intoto.jsonl"


def test_what_is_not_there_is_none(kept: Kept) -> None:
    assert kept.port.beside(kept.model.uri) is None
    assert kept.port.trail_heads("3f2a") == ()
    assert list(kept.port.runs_with_trail_heads()) == []


def test_every_head_is_found_also_one_that_was_put_over_or_hidden(kept: Kept) -> None:
    stored = kept.port.put_trail_head("3f2a", 7, b"as signed\n")
    kept.port.put_trail_head("3f2a", 7, b"put over it\n")
    kept.port.put_trail_head("beef", 4, b"another run's\n")
    kept.hide(stored)
    assert set(kept.port.trail_heads("3f2a")) == {b"as signed\n", b"put over it\n"}
    assert list(kept.port.runs_with_trail_heads()) == ["3f2a", "beef"]
    assert stored.uri == f"s3://{kept.audit}/{trail_statement_key('3f2a', 7)}"


@pytest.mark.local
def test_a_models_statement_is_encrypted_as_its_model_is_and_a_head_by_s3_itself(local_aws: AwsClients) -> None:
    s3, name = local_aws.s3, f"contract-{uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    key = local_aws.kms.create_key()["KeyMetadata"]["Arn"]
    statements = S3Statements(local_aws, name, key)
    statements.put_beside(ModelArtifact(f"s3://{name}/{MODEL}", "v1", 5, "0" * 64), b"of the model\n")
    statements.put_trail_head("3f2a", 7, b"of the trail\n")
    model = s3.head_object(Bucket=name, Key=f"{MODEL}.intoto.jsonl")
    head = s3.head_object(Bucket=name, Key=trail_statement_key("3f2a", 7))
    assert (model["ServerSideEncryption"], model["SSEKMSKeyId"]) == ("aws:kms", key)
    assert head["ServerSideEncryption"] == "AES256"
    assert "SSEKMSKeyId" not in head


@pytest.mark.local
def test_a_head_in_a_locked_bucket_is_removed_by_nobody(local_aws: AwsClients) -> None:
    s3, name = local_aws.s3, f"contract-{uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    rule: Any = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
    s3.put_object_lock_configuration(
        Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    key = local_aws.kms.create_key()["KeyMetadata"]["Arn"]
    statements = S3Statements(local_aws, name, key)
    stored = statements.put_trail_head("3f2a", 7, b"as signed\n")
    place = {"Bucket": name, "Key": trail_statement_key("3f2a", 7), "VersionId": stored.version_id}
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(**place, BypassGovernanceRetention=True)  # type: ignore[arg-type]
    assert statements.trail_heads("3f2a") == (b"as signed\n",)
    s3.put_object(Bucket=name, Key="manifest", Body=b"as locked")
    refused = empty_as_documented(name)
    assert refused.returncode == 1
    assert len(refused.stdout.splitlines()) == 2
    assert f"'VersionId': '{stored.version_id}', 'Code': 'AccessDenied'" in refused.stdout


@pytest.mark.local
def test_a_bucket_without_a_lock_is_emptied_as_the_page_of_operations_says(local_aws: AwsClients) -> None:
    s3, name = local_aws.s3, f"contract-{uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for body in (b"first", b"second"):
        s3.put_object(Bucket=name, Key="k", Body=body)
    s3.delete_object(Bucket=name, Key="k")
    emptied = empty_as_documented(name)
    assert (emptied.returncode, emptied.stdout.strip()) == (0, "")
    s3.delete_bucket(Bucket=name)


def empty_as_documented(bucket: str) -> subprocess.CompletedProcess[str]:
    """Run the line of docs/operations.md that empties a bucket, in the environment that leads to the local AWS."""
    [program] = re.findall(r"python -c '(import boto3.+)' BUCKET", PAGE.read_text("utf-8"))
    return subprocess.run([sys.executable, "-c", program, bucket], capture_output=True, text=True, check=False)


def test_a_run_awaits_its_signature_from_its_end_until_it_is_signed(store: MetadataStore) -> None:
    run = store.commit(None, a_request())
    assert list(store.unsigned_runs()) == []
    run = store.commit(run, RunWithdrawn(NOON, Outcome.STOPPED, "ada asked for it", run.requester))
    assert [ref.id for ref in store.unsigned_runs()] == [run.id]
    announced = store.commit(run, RunAnnounced(NOON, 2, Outcome.STOPPED))
    assert [ref.id for ref in store.unsigned_runs()] == [run.id]
    signed = store.commit(announced, RunSigned(NOON, announced.trail, StoredStatement("s3://audit/head", "v1")))
    assert list(store.unsigned_runs()) == []
    assert store.run(run.id) == signed
    retried = store.commit(signed, RunRetried(NOON, run.requester))
    assert list(store.unsigned_runs()) == []
    store.commit(retried, RunWithdrawn(NOON, Outcome.STOPPED, "again", run.requester))
    assert [ref.id for ref in store.unsigned_runs()] == [run.id]


@pytest.mark.local
def test_what_kms_signs_fits_its_public_key_and_nothing_else_does(local_aws: AwsClients) -> None:
    created = local_aws.kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    signer = KmsSigner(local_aws, created["KeyMetadata"]["Arn"])
    message = b"DSSEv1 " + b"x" * 10_000
    signature, key = signer.sign(message), EcdsaPublicKey.from_pem(signer.public_key_pem())
    assert signature.key_id == key.key_id
    assert key.fits(message, signature.value)
    assert not key.fits(message + b"x", signature.value)


@pytest.mark.local
def test_a_change_of_state_reaches_a_rule_that_listens_for_it(local_aws: AwsClients) -> None:
    queue, rule = a_queue(local_aws), f"contract-{uuid4().hex[:12]}"
    arn = local_aws.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    admitted = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [admitted | {"Resource": arn}]})
    local_aws.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    pattern = {"source": ["dropforge"], "detail": {"deployment": [rule], "status": ["WAITING"]}}
    local_aws.events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    local_aws.events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": arn}])
    change = state_change_of(rule, after())
    assert change is not None
    EventBridgeStateChanges(local_aws, "default").publish(change)
    [message] = local_aws.sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"]
    body = message["Body"]
    event: dict[str, Any] = json.loads(body)
    assert event["detail-type"] == "Dropforge Run State Change"
    assert event["detail"] | {"version": 1, "sequence": 1, "reason": "waits for its turn"} == event["detail"]
    assert run_to_sign_in(body) == change.run


@pytest.mark.local
def test_a_wake_up_of_the_signing_names_its_run(local_aws: AwsClients) -> None:
    sign = a_queue(local_aws)
    wakeups_by(local_aws, sign=sign).sign("3f2a")
    [body] = bodies(local_aws, sign)
    assert run_to_sign_in(body) == "3f2a"
