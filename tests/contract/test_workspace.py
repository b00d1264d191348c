"""A deployed stage as the command line opens it."""

from __future__ import annotations

import hashlib
import io
import json
from uuid import uuid4

import pytest

from dropforge import bootstrap
from dropforge.adapters.aws_error import AwsError
from dropforge.adapters.clients import AwsClients
from dropforge.adapters.dynamodb.store import DynamoMetadataStore
from dropforge.adapters.dynamodb.tables import Tables
from dropforge.adapters.ssm import NotDeployedError
from dropforge.domain.project import Project
from dropforge.domain.training_job import ModelArtifact
from dropforge.settings import Deployment, deployment_parameter, project_parameter
from dropforge.workflow.list_runs import RunFilter, list_runs
from tests.contract.records import a_request

pytestmark = pytest.mark.local


@pytest.fixture
def stage(local_aws: AwsClients, tables: Tables) -> str:
    """What the stacks publish of a stage."""
    stage = f"s{uuid4().hex[:8]}"
    names = {field: f"the {field}" for field in Deployment.__dataclass_fields__}
    names |= {"stage": stage, "state_table": tables.state, "trail_table": tables.trail}
    project = Project("digits", "example/digits", "digits/")
    for name, document in (
        (deployment_parameter(stage), names),
        (project_parameter(stage, project.name), project.to_document()),
    ):
        local_aws.ssm.put_parameter(Name=name, Value=json.dumps(document), Type="String")
    return stage


def test_a_person_sees_the_stages_runs(stage: str, tables: Tables) -> None:
    run = DynamoMetadataStore(tables).commit(None, a_request())
    with bootstrap.workspace(stage) as opened:
        assert opened.ports.stage.deployment == f"dropforge-{stage}"
        assert list_runs(opened.ports, RunFilter(), 10) == (run,)
        assert opened.caller.startswith("arn:aws:")


def test_the_very_version_of_a_model_is_fetched(stage: str, local_aws: AwsClients) -> None:
    bucket = f"contract-{uuid4().hex[:12]}"
    local_aws.s3.create_bucket(Bucket=bucket)
    local_aws.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = local_aws.s3.put_object(Bucket=bucket, Key="runs/1/model.tar.gz", Body=b"recorded")
    local_aws.s3.put_object(Bucket=bucket, Key="runs/1/model.tar.gz", Body=b"later")
    sha256 = hashlib.sha256(b"recorded").hexdigest()
    model, to = ModelArtifact(f"s3://{bucket}/runs/1/model.tar.gz", first["VersionId"], 8, sha256), io.BytesIO()
    with bootstrap.workspace(stage) as opened:
        opened.fetch_model(model, to)
    assert to.getvalue() == b"recorded"


def test_a_stage_that_is_not_deployed_is_said_to_be_so(local_aws: AwsClients) -> None:
    with pytest.raises(NotDeployedError, match=f"not deployed in {local_aws.ssm.meta.region_name}"):
        bootstrap.workspace("nowhere").__enter__()


def test_a_refusal_of_aws_is_told_in_words(stage: str, tables: Tables, local_aws: AwsClients) -> None:
    local_aws.dynamodb.delete_table(TableName=tables.state)
    with pytest.raises(AwsError, match="What Query asks for is not there"), bootstrap.workspace(stage) as opened:
        list_runs(opened.ports, RunFilter("digits"), 10)
