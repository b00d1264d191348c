"""What Dropforge promises of a run that completed, held against AWS itself: S3, ECR, SageMaker, and the record."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from urllib.parse import urlsplit

import pytest

from dropforge.domain.artifact_layout import channel_files_key, manifest_key
from dropforge.domain.dataset import Manifest
from dropforge.domain.run import Run, RunStatus
from dropforge.domain.trail import verify
from tests.journey.deployed_stage import DeployedStage, Document


@dataclass(frozen=True)
class Dropped:
    """What was put under one key: its version in S3 and its bytes."""

    version: str
    content: bytes


def image_is_the_registrys(stage: DeployedStage, run: Run) -> None:
    """The digest on record is the one that ECR gives for the tag, which names commit and execution."""
    image = run.image
    [detail] = stage.aws.ecr.describe_images(
        repositoryName=f"{stage.deployment.name}/{run.project}", imageIds=[{"imageTag": image.tag}]
    )["imageDetails"]
    assert image.digest == detail["imageDigest"]
    assert image.uri.endswith(f"@{image.digest}")
    assert image.tag == f"{image.commit}-{image.execution_id}"


def execution_is_the_pipelines(stage: DeployedStage, run: Run) -> None:
    """CodePipeline knows the execution on record, and that it was of the commit."""
    [execution] = [
        each for each in stage.executions(run.project) if each["pipelineExecutionId"] == run.image.execution_id
    ]
    assert run.image.commit in {each["revisionId"] for each in execution["sourceRevisions"]}


def data_is_pinned(stage: DeployedStage, run: Run, dropped: Mapping[str, Dropped]) -> None:
    """The dataset version names exactly these object versions, by hash, and the job read copies of their bytes."""
    artifacts, project = stage.deployment.artifact_bucket, run.project
    stored = stage.aws.s3.get_object(Bucket=artifacts, Key=manifest_key(project, run.dataset.version))["Body"].read()
    manifest = Manifest.from_bytes(stored)
    assert run.dataset.version == f"sha256:{hashlib.sha256(stored).hexdigest()}" == manifest.version
    assert {each.key: (each.version_id, each.sha256, each.size) for each in manifest.objects} == {
        key: (each.version, hashlib.sha256(each.content).hexdigest(), len(each.content))
        for key, each in dropped.items()
    }
    for channel in {each.channel for each in manifest.objects}:
        listed = stage.aws.s3.get_object(Bucket=artifacts, Key=channel_files_key(project, run.dataset.version, channel))
        [where, *names] = json.loads(listed["Body"].read())
        prefix = where["prefix"].removeprefix(f"s3://{artifacts}/")
        copies = {stage.aws.s3.get_object(Bucket=artifacts, Key=prefix + name)["Body"].read() for name in names}
        assert copies == {dropped[each.key].content for each in manifest.objects if each.channel == channel}


def job_is_as_recorded(stage: DeployedStage, run: Run) -> None:
    """SageMaker's own description and tags of the job say what the record says."""
    attempt, result = run.attempt, run.result
    assert attempt is not None
    assert attempt.job_arn is not None
    assert result is not None
    job: Document = stage.aws.sagemaker.describe_training_job(TrainingJobName=attempt.job_name)  # type: ignore[assignment]
    assert attempt.job_name == f"{stage.deployment.name}-{run.id}-{attempt.number:02d}"
    assert attempt.job_arn == job["TrainingJobArn"]
    assert job["AlgorithmSpecification"]["TrainingImage"] == run.image.uri
    assert job["HyperParameters"] == dict(run.spec.hyperparameters)
    assert job["EnableNetworkIsolation"] is run.spec.network_isolation
    assert job["OutputDataConfig"]["KmsKeyId"] == job["ResourceConfig"]["VolumeKmsKeyId"] == stage.deployment.key_arn
    listed = stage.aws.sagemaker.list_tags(ResourceArn=attempt.job_arn)["Tags"]
    tags = {each["Key"]: each["Value"] for each in listed}
    assert tags["dropforge:project"] == run.project
    assert tags["dropforge:run"] == run.id
    assert tags["dropforge:commit"] == run.image.commit
    assert tags["dropforge:dataset"] == run.dataset.version
    statuses = [each["Status"] for each in job["SecondaryStatusTransitions"]]
    assert [each.status for each in result.transitions] == statuses
    assert statuses[-1] == "Completed"
    assert all(each.started_at for each in result.transitions)
    assert result.billable_seconds == job["BillableTimeInSeconds"]
    assert {name: float(value) for name, value in result.metrics.items()} == {
        each["MetricName"]: pytest.approx(each["Value"], rel=1e-5) for each in job["FinalMetricDataList"]
    }


def model_is_the_recorded_one(stage: DeployedStage, run: Run) -> bytes:
    """The very version on record has the hash on record; return the one file in it."""
    assert run.result is not None
    model = run.result.model
    assert model is not None
    location = urlsplit(model.uri)
    stored = stage.aws.s3.get_object(Bucket=location.netloc, Key=location.path[1:], VersionId=model.version_id)
    archive = stored["Body"].read()
    assert hashlib.sha256(archive).hexdigest() == model.sha256
    assert len(archive) == model.size
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        [name] = [each for each in files.getnames() if each not in {"", "."}]
        content = files.extractfile(name)
        assert content is not None
        return content.read()


def run_is_recorded_whole(stage: DeployedStage, run: Run, dropped: Mapping[str, Dropped]) -> None:
    """Every question that a run's record answers has its answer in `dropforge show --json`, and its trail is intact."""
    shown = stage.dropforge("show", run.id, "--json").document
    record, result = shown["run"], shown["run"]["result"]
    assert run.status is RunStatus.COMPLETED
    for field in ("commit", "branch", "claimed_author", "message", "digest", "execution_id"):
        assert record["image"][field], field
    assert record["dataset"]["version"] == run.dataset.version
    for each in shown["objects"]:
        assert each["version_id"] == dropped[each["key"]].version
        assert each["drop"]["principal"]
        assert each["drop"]["address"]
    assert record["spec"]["hyperparameters"]
    assert record["spec"]["compute"]["instance_type"] == "ml.m5.large"
    assert record["attempts"][0]["job_name"]
    assert record["attempts"][0]["job_arn"]
    assert [each["status"] for each in result["transitions"]][-1] == "Completed"
    assert result["metrics"]
    assert result["model"]["version_id"]
    assert result["billable_seconds"] > 0
    assert record["requester"]["name"]
    assert result["log_tail"]
    assert result["where"]
    assert record["announced"]
    signed = "RunSigned"  # before or after the mail, or not yet
    happened = [each["body"]["type"] for each in shown["trail"] if each["body"]["type"] != signed]
    assert happened[:3] == ["RunRequested", "AttemptIntended", "AttemptStarted"]
    assert happened[-2:] == ["RunFinished", "RunAnnounced"]
    now = stage.run(run.id)
    verify(stage.ports.store.trail(run.id)[: now.trail.sequence], now.trail)


def line_is_fitted(model: bytes, slope: float) -> None:
    """The program really trained: the line through the points is the one that it found."""
    assert abs(json.loads(model)["slope"] - slope) < 0.2
