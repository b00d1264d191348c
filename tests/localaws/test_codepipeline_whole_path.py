from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.localaws.local_server import LocalServer
from tests.localaws.pipeline_world import World

pytestmark = pytest.mark.local


@pytest.fixture
def world(local_aws: LocalServer, tmp_path: Path) -> World:
    return World(local_aws, tmp_path)


def test_a_push_runs_the_pipeline_to_the_function_which_gets_the_very_commit(world: World) -> None:
    world.create()
    commit, identifier = world.pushed("Add a model")

    job = world.job()
    world.answer(job, outputVariables={"RunId": "r-1"}, executionDetails={"summary": "registered"})

    ended = world.finished(identifier)
    assert ended["status"] == "Succeeded"
    assert ended["trigger"] == {"triggerType": "WebhookV2", "triggerDetail": world.connection}
    assert ended["artifactRevisions"][0]["revisionId"] == commit
    assert json.loads(job["data"]["actionConfiguration"]["configuration"]["UserParameters"]) == {"commit": commit}
    register, source = world.actions(identifier)
    assert source["output"]["executionResult"]["externalExecutionId"] == commit
    assert json.loads(source["output"]["executionResult"]["externalExecutionSummary"]) == {
        "ProviderType": "GitHub",
        "CommitMessage": "Add a model",
    }
    assert set(source["output"]["outputVariables"]) == {
        "AuthorDate", "BranchName", "CommitId", "CommitMessage", "ConnectionArn", "FullRepositoryName",
    }  # fmt: skip
    assert register["output"]["outputVariables"] == {"RunId": "r-1"}
    assert register["input"]["resolvedConfiguration"]["UserParameters"] == json.dumps(
        {"commit": commit}, separators=(",", ":")
    )


def test_the_credentials_in_the_event_read_the_encrypted_source_and_write_nothing(world: World) -> None:
    world.create()
    world.pushed(**{"train.py": "print(1)\n", "model/net.py": "pass\n"})
    data = world.job()["data"]

    s3 = _client(world, "s3", data["artifactCredentials"])
    place = data["inputArtifacts"][0]["location"]["s3Location"]
    stored = s3.get_object(Bucket=place["bucketName"], Key=place["objectKey"])

    assert place["objectKey"].startswith(f"{world.name[:20]}/Source/")
    assert stored["SSEKMSKeyId"] == world.key
    names = zipfile.ZipFile(io.BytesIO(stored["Body"].read())).namelist()
    assert {"train.py", "model/net.py"} <= set(names)
    assert data["encryptionKey"] == {"id": world.key, "type": "KMS"}
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=place["bucketName"], Key=place["objectKey"], Body=b"other")


def test_a_job_that_goes_on_is_asked_again_with_its_token_until_it_is_done(world: World) -> None:
    world.create()
    _, identifier = world.pushed()
    first = world.job(1)
    with pytest.raises(ClientError, match="only when there is no continuation token"):
        world.answer(first, continuationToken="half-way", outputVariables={"too": "early"})
    world.answer(first, continuationToken="half-way")

    second = world.job(2)
    world.answer(second)

    assert second["data"]["continuationToken"] == "half-way"
    assert second["id"] != first["id"]
    assert world.finished(identifier)["status"] == "Succeeded"


def test_a_job_is_answered_once(world: World) -> None:
    world.create()
    _, identifier = world.pushed()
    job = world.job()
    world.answer(job)
    world.finished(identifier)

    with pytest.raises(ClientError, match=r"InvalidJobStateException.*Succeeded already"):
        world.answer(job)


def test_a_failed_job_fails_the_execution_with_the_functions_own_words(world: World) -> None:
    world.create()
    _, identifier = world.pushed()
    function = world.server.client("codepipeline", world.function_role)
    function.put_job_failure_result(
        jobId=world.job()["id"], failureDetails={"type": "JobFailed", "message": "No such project."}
    )

    assert world.finished(identifier)["status"] == "Failed"
    error = world.actions(identifier)[0]["output"]["executionResult"]["errorDetails"]
    assert error == {"code": "JobFailed", "message": "No such project."}


def _client(world: World, service: str, given: dict[str, str]) -> Any:
    untyped: Any = boto3
    return untyped.client(
        service, endpoint_url=world.server.endpoint, region_name=world.server.region,
        aws_access_key_id=given["accessKeyId"], aws_secret_access_key=given["secretAccessKey"],
        aws_session_token=given["sessionToken"],
    )  # fmt: skip
