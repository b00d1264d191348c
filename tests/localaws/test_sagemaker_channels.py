from __future__ import annotations

import json
from typing import Any

import pytest

from tests.localaws.training_world import BUCKET, TrainingWorld, execution_role

pytestmark = pytest.mark.local


def _channel(uri: str, data_type: str = "S3Prefix", **members: Any) -> dict[str, Any]:
    source = {"S3DataType": data_type, "S3Uri": f"s3://{BUCKET}/{uri}"}
    return {"ChannelName": "train", "DataSource": {"S3DataSource": source}, **members}


def _seen_files(training: TrainingWorld, name: str, **members: Any) -> dict[str, str]:
    training.start(name, **members)
    described = training.ended(name)
    assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
    seen = json.loads(training.archive(described["ModelArtifacts"]["S3ModelArtifacts"])["seen.json"])
    files: dict[str, str] = seen["files"]
    return files


def test_fast_file_mode_shows_the_objects_as_files(training: TrainingWorld) -> None:
    training.put("fast/a +ü.csv", "1")
    files = _seen_files(training, "fast-file", InputDataConfig=[_channel("fast/", InputMode="FastFile")])
    assert files == {"train/a +ü.csv": "1"}


def test_a_prefix_without_a_slash_is_a_prefix_of_keys(training: TrainingWorld) -> None:
    training.put("loose/part/1.csv", "1")
    training.put("loose/part-2.csv", "2")
    training.put("loose/other.csv", "3")
    files = _seen_files(training, "loose-prefix", InputDataConfig=[_channel("loose/part")])
    assert files == {"train/1.csv": "1", "train/part-2.csv": "2"}


def test_a_manifest_chooses_objects(training: TrainingWorld) -> None:
    for name in ("a", "b", "c"):
        training.put(f"chosen/{name}.csv", name)
    manifest = [{"prefix": f"s3://{BUCKET}/chosen/"}, "a.csv", "c.csv"]
    training.put("manifests/chosen.json", json.dumps(manifest))
    channel = _channel("manifests/chosen.json", "ManifestFile")
    files = _seen_files(training, "manifest", InputDataConfig=[channel])
    assert files == {"train/a.csv": "a", "train/c.csv": "c"}


def test_pipe_mode_streams_the_data_once_for_each_epoch(training: TrainingWorld) -> None:
    training.put("piped/1", "one,")
    training.put("piped/2", "two,")
    training.start("piped", "pipes", InputDataConfig=[_channel("piped/", InputMode="Pipe")])
    described = training.ended("piped")
    assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
    epochs = json.loads(training.archive(described["ModelArtifacts"]["S3ModelArtifacts"])["epochs.json"])
    assert epochs == ["one,two,", "one,two,"]


def test_a_job_whose_pipe_nobody_reads_still_ends(training: TrainingWorld) -> None:
    training.put("unread/1", "one")
    training.start("unread", "resume", InputDataConfig=[_channel("unread/", InputMode="Pipe")])
    assert training.ended("unread")["TrainingJobStatus"] == "Completed"


def test_no_data_fails_the_job_and_names_the_prefix(training: TrainingWorld) -> None:
    training.start("empty", InputDataConfig=[_channel("nothing-here/")])
    described = training.ended("empty")
    assert described["TrainingJobStatus"] == "Failed"
    assert f"s3://{BUCKET}/nothing-here/" in described["FailureReason"]
    assert described["FailureReason"].startswith("ClientError: Data download failed:No S3 objects found")


def test_a_key_that_is_both_file_and_folder_fails_the_job_and_says_so(training: TrainingWorld) -> None:
    training.put("both/a", "1")
    training.put("both/a/b", "2")
    training.start("both", InputDataConfig=[_channel("both/")])
    assert "both a file and a folder" in training.ended("both")["FailureReason"]


@pytest.mark.parametrize(
    ("subject", "reason"),
    [("listing", "Access denied for role"), ("objects", "Access denied for role"), ("images", "cannot be used")],
)
def test_what_the_role_may_not_do_fails_the_job(training: TrainingWorld, subject: str, reason: str) -> None:
    training.put("guarded/a", "1")
    role = execution_role(training.server, f"without-{subject}", **{subject: True})
    training.start(f"without-{subject}", RoleArn=role, InputDataConfig=[_channel("guarded/")])
    described = training.ended(f"without-{subject}")
    assert described["TrainingJobStatus"] == "Failed"
    assert reason in described["FailureReason"]


def test_a_role_that_may_not_log_has_a_job_without_log(training: TrainingWorld) -> None:
    role = execution_role(training.server, "without-logs", logs=True)
    training.start("without-logs", RoleArn=role)
    assert training.ended("without-logs")["TrainingJobStatus"] == "Completed"


def test_output_is_encrypted_with_the_key_of_the_request(training: TrainingWorld) -> None:
    server = training.server
    key = server.client("kms").create_key()["KeyMetadata"]["Arn"]
    output = {"S3OutputPath": f"s3://{BUCKET}/encrypted", "KmsKeyId": key}
    training.start("encrypted", OutputDataConfig=output)
    training.ended("encrypted")
    head = server.client("s3").head_object(Bucket=BUCKET, Key="encrypted/encrypted/output/model.tar.gz")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)


def test_output_may_be_left_uncompressed(training: TrainingWorld) -> None:
    output = {"S3OutputPath": f"s3://{BUCKET}/plain", "CompressionType": "NONE"}
    training.start("uncompressed", OutputDataConfig=output)
    described = training.ended("uncompressed")
    uri = f"s3://{BUCKET}/plain/uncompressed/output/model/"
    assert described["ModelArtifacts"]["S3ModelArtifacts"] == uri
    assert training.has(f"{uri}seen.json")
