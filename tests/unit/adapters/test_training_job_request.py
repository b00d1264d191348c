from __future__ import annotations

import boto3
import pytest
from botocore.validate import ParamValidator

from dropforge.adapters.training_job_request import JobSurroundings, takes_volume_key, training_job_request
from dropforge.domain.training_job import JobRequest
from dropforge.domain.training_spec import Compute, InputMode, MetricPattern, Stopping, TrainingSpec

KEY = "arn:aws:kms:us-east-1:111122223333:key/1"
ROLE = "arn:aws:iam::111122223333:role/dropforge-dev-training"
SURROUNDINGS = JobSurroundings("artifacts", KEY, ROLE)


def a_job(spec: TrainingSpec, checkpoints: str | None = None) -> JobRequest:
    return JobRequest(
        name="dropforge-dev-0123456789abcdef0123-01",
        image_uri="111122223333.dkr.ecr.us-east-1.amazonaws.com/dropforge-dev/digits@sha256:" + "ab" * 32,
        spec=spec,
        channels={
            "train": ("datasets/digits/00/train.json", InputMode.FAST_FILE),
            "test": ("datasets/digits/00/test.json", InputMode.FILE),
        },
        output_prefix="runs/0123/01/",
        checkpoint_prefix=checkpoints,
        tags={"dropforge:run": "0123456789abcdef0123", "dropforge:dataset": "sha256:00"},
    )


FULL = TrainingSpec(
    compute=Compute("ml.m5.xlarge", 2, 50),
    hyperparameters={"depth": "7"},
    metrics=(MetricPattern("accuracy", "accuracy=([0-9.]+)"),),
    stopping=Stopping(30, 90),
    environment={"SEED": "1"},
    use_spot=True,
    checkpoints=True,
    sagemaker={
        "AlgorithmSpecification": {"ContainerArguments": ["--fast"]},
        "ResourceConfig": {"KeepAlivePeriodInSeconds": 60},
        "RetryStrategy": {"MaximumRetryAttempts": 2},
    },
)


@pytest.mark.parametrize("spec", [TrainingSpec(), FULL])
def test_the_request_is_one_that_aws_own_model_accepts(spec: TrainingSpec) -> None:
    client = boto3.client("sagemaker", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    shape = client.meta.service_model.operation_model("CreateTrainingJob").input_shape
    assert shape is not None
    report = ParamValidator().validate(training_job_request(a_job(spec, "runs/0123/checkpoints/"), SURROUNDINGS), shape)
    assert report.generate_report() == ""


def test_what_is_the_stages_is_set_by_the_stage() -> None:
    request = training_job_request(a_job(TrainingSpec()), SURROUNDINGS)
    assert request["RoleArn"] == ROLE
    assert request["OutputDataConfig"] == {"S3OutputPath": "s3://artifacts/runs/0123/01/", "KmsKeyId": KEY}
    assert request["ResourceConfig"]["VolumeKmsKeyId"] == KEY
    assert request["EnableNetworkIsolation"] is True
    assert "CheckpointConfig" not in request


def test_each_channel_reads_the_objects_on_its_list_in_its_own_mode() -> None:
    channels = training_job_request(a_job(TrainingSpec()), SURROUNDINGS)["InputDataConfig"]
    assert [(each["ChannelName"], each["InputMode"]) for each in channels] == [("test", "File"), ("train", "FastFile")]
    source = channels[1]["DataSource"]["S3DataSource"]
    assert (source["S3DataType"], source["S3Uri"]) == ("ManifestFile", "s3://artifacts/datasets/digits/00/train.json")


def test_allowed_members_join_those_of_the_stage() -> None:
    request = training_job_request(a_job(FULL, "runs/0123/checkpoints/"), SURROUNDINGS)
    assert request["AlgorithmSpecification"]["ContainerArguments"] == ["--fast"]
    assert request["AlgorithmSpecification"]["MetricDefinitions"] == [
        {"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"}
    ]
    assert request["ResourceConfig"]["KeepAlivePeriodInSeconds"] == 60
    assert request["ResourceConfig"]["InstanceCount"] == 2
    assert request["RetryStrategy"] == {"MaximumRetryAttempts": 2}
    assert request["CheckpointConfig"] == {"S3Uri": "s3://artifacts/runs/0123/checkpoints/"}


def test_only_a_spot_job_has_a_waiting_time_and_it_is_never_shorter_than_the_runtime() -> None:
    def stopping(spec: TrainingSpec) -> object:
        return training_job_request(a_job(spec), SURROUNDINGS)["StoppingCondition"]

    assert stopping(TrainingSpec(stopping=Stopping(30))) == {"MaxRuntimeInSeconds": 1800}
    spot = TrainingSpec(stopping=Stopping(30), use_spot=True)
    assert stopping(spot) == {"MaxRuntimeInSeconds": 1800, "MaxWaitTimeInSeconds": 1800}
    assert stopping(FULL) == {"MaxRuntimeInSeconds": 1800, "MaxWaitTimeInSeconds": 5400}


@pytest.mark.parametrize(
    "instance_type",
    ["ml.g4dn.xlarge", "ml.p4d.24xlarge", "ml.p4de.24xlarge", "ml.p3dn.24xlarge", "ml.m5d.large", "ml.g5.xlarge",
     "ml.p5.48xlarge", "ml.trn1.2xlarge", "ml.c6gd.large"],
)  # fmt: skip
def test_instances_with_disks_of_their_own_take_no_volume_key(instance_type: str) -> None:
    assert not takes_volume_key(instance_type)


@pytest.mark.parametrize(
    "instance_type",
    ["ml.m5.large", "ml.c5.xlarge", "ml.c5n.18xlarge", "ml.p3.2xlarge", "ml.m4.4xlarge", "ml.c6g.large"],
)
def test_instances_with_a_network_volume_have_it_encrypted_with_the_stages_key(instance_type: str) -> None:
    assert takes_volume_key(instance_type)
