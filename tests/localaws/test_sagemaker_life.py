from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.localaws.local_server import eventually, run_command, start
from tests.localaws.training_world import BUCKET, TrainingWorld

pytestmark = pytest.mark.local


def _statuses(described: dict[str, object]) -> list[str]:
    transitions = described["SecondaryStatusTransitions"]
    assert isinstance(transitions, list)
    return [transition["Status"] for transition in transitions]


def test_a_job_trains_and_leaves_model_output_log_and_metrics(training: TrainingWorld) -> None:
    training.put("train/data/a.csv", "1,2")
    training.put("train/data/deep/b.csv", "3,4")
    channel = {
        "ChannelName": "train",
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/train/data/"}},
    }
    algorithm = {
        "TrainingImage": training.image,
        "TrainingInputMode": "File",
        "MetricDefinitions": [{"Name": "accuracy", "Regex": "accuracy=([0-9.]+);"}],
    }
    training.start("whole-life", InputDataConfig=[channel], AlgorithmSpecification=algorithm, Environment={"MINE": "1"})
    described = training.ended("whole-life")
    assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
    assert _statuses(described) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert described["BillableTimeInSeconds"] >= 1
    metric = described["FinalMetricDataList"][0]
    assert (metric["MetricName"], metric["Value"]) == ("accuracy", 0.75)
    uri = described["ModelArtifacts"]["S3ModelArtifacts"]
    assert uri == f"s3://{BUCKET}/output/whole-life/output/model.tar.gz"
    seen = json.loads(training.archive(uri)["seen.json"])
    assert seen["arguments"] == ["train"]
    assert seen["files"] == {"train/a.csv": "1,2", "train/deep/b.csv": "3,4"}
    assert seen["environment"]["TRAINING_JOB_NAME"] == "whole-life"
    assert seen["environment"]["MINE"] == "1"
    assert seen["configuration"]["hyperparameters"] == {"behaviour": "train"}
    assert seen["configuration"]["inputdataconfig"]["train"]["TrainingInputMode"] == "File"
    assert seen["configuration"]["resourceconfig"]["current_host"] == "algo-1"
    output = training.archive(f"s3://{BUCKET}/output/whole-life/output/output.tar.gz")
    assert output == {"report.txt": "as planned"}
    log = training.logged("whole-life")
    assert log[0].startswith("localaws: rung=")
    assert training.image.rpartition("@")[2] in log[0]
    assert log[1:] == ["epoch=1 accuracy=0.5;", "epoch=2 accuracy=0.75;"]


def test_every_change_of_status_is_an_event_of_the_documented_shape(training: TrainingWorld) -> None:
    arn = training.start("heard-of", Tags=[{"Key": "run", "Value": "7"}])
    events = training.events("heard-of", last="Completed")
    told = [event["detail"]["SecondaryStatus"] for event in events]
    assert told == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    last = events[-1]
    assert last["detail-type"] == "SageMaker Training Job State Change"
    assert last["source"] == "aws.sagemaker"
    assert last["resources"] == [arn]
    detail = last["detail"]
    assert detail["TrainingJobStatus"] == "Completed"
    assert detail["Tags"] == {"run": "7"}
    assert isinstance(detail["CreationTime"], int)
    assert detail["CreationTime"] > 1_600_000_000_000
    assert detail["SecondaryStatusTransitions"][0]["StatusMessage"] == "Starting the training job"


def test_a_program_that_fails_gives_its_reason_and_its_output(training: TrainingWorld) -> None:
    training.start("crashed", "crash")
    described = training.ended("crashed")
    assert described["TrainingJobStatus"] == "Failed"
    assert described["FailureReason"] == "AlgorithmError: no such column: price, exit code: 3"
    assert not training.has(described["ModelArtifacts"]["S3ModelArtifacts"])
    assert training.archive(f"s3://{BUCKET}/output/crashed/output/output.tar.gz") == {"half.txt": "half done"}
    assert training.logged("crashed")[-1] == "Traceback: no such column: price"


def test_a_stopped_job_may_save_what_it_has(training: TrainingWorld) -> None:
    training.start("stopped", "wait")
    eventually(lambda: training.describe("stopped")["SecondaryStatus"] == "Training", "training")
    eventually(lambda: "waiting" in training.logged("stopped"), "the program's first line")
    training.client.stop_training_job(TrainingJobName="stopped")
    described = training.ended("stopped")
    assert described["TrainingJobStatus"] == "Stopped"
    assert _statuses(described)[-3:] == ["Stopping", "Uploading", "Stopped"]
    assert training.archive(described["ModelArtifacts"]["S3ModelArtifacts"]) == {"so-far.txt": "as far as it came"}


def test_a_job_that_runs_too_long_is_stopped_and_not_failed(training: TrainingWorld) -> None:
    training.start("too-long", "ignore", StoppingCondition={"MaxRuntimeInSeconds": 1})
    described = training.ended("too-long")
    assert described["TrainingJobStatus"] == "Stopped"
    assert described["SecondaryStatus"] == "MaxRuntimeExceeded"
    assert not training.has(described["ModelArtifacts"]["S3ModelArtifacts"])


def test_checkpoints_go_on_from_job_to_job(training: TrainingWorld) -> None:
    for attempt in ("first", "second"):
        training.start(f"{attempt}-checkpoint", "resume", CheckpointConfig={"S3Uri": f"s3://{BUCKET}/checkpoints"})
        assert training.ended(f"{attempt}-checkpoint")["TrainingJobStatus"] == "Completed"
    counter = training.server.client("s3").get_object(Bucket=BUCKET, Key="checkpoints/counter")["Body"].read()
    assert counter == b"2"


def test_a_program_that_leaves_links_out_of_its_folders_gets_nothing_that_they_lead_to(training: TrainingWorld) -> None:
    config = {"S3Uri": f"s3://{BUCKET}/escaped"}
    training.start("escaped", "escape", CheckpointConfig=config)
    assert training.ended("escaped")["FailureReason"] == "AlgorithmError: , exit code: 3"
    assert training.archive(f"s3://{BUCKET}/output/escaped/output/output.tar.gz") == {}
    assert not training.has(f"{config['S3Uri']}/")


def test_the_program_is_given_credentials_of_its_role_unless_it_is_isolated(training: TrainingWorld) -> None:
    training.start("open", EnableNetworkIsolation=False)
    training.start("isolated", EnableNetworkIsolation=True)
    assert training.ended("open")["EnableNetworkIsolation"] is False
    assert training.ended("isolated")["EnableNetworkIsolation"] is True
    seen = {
        name: json.loads(training.archive(f"s3://{BUCKET}/output/{name}/output/model.tar.gz")["seen.json"])[
            "environment"
        ]
        for name in ("open", "isolated")
    }
    assert seen["open"]["AWS_ENDPOINT_URL"] == training.server.endpoint
    assert not any(name.startswith("AWS_ACCESS") for name in seen["isolated"])
    assert training.server.environment["AWS_SECRET_ACCESS_KEY"] not in json.dumps(seen)


def test_jobs_are_listed_newest_first_and_page_by_page(training: TrainingWorld) -> None:
    for number in range(3):
        training.start(f"listed-{number}")
        training.ended(f"listed-{number}")
    pages = training.client.get_paginator("list_training_jobs").paginate(
        NameContains="listed-", StatusEquals="Completed", PaginationConfig={"PageSize": 2}
    )
    names = [[job["TrainingJobName"] for job in page["TrainingJobSummaries"]] for page in pages]
    assert names == [["listed-2", "listed-1"], ["listed-0"]]


def test_a_deleted_job_frees_its_name(training: TrainingWorld) -> None:
    training.start("deleted")
    training.ended("deleted")
    training.client.delete_training_job(TrainingJobName="deleted")
    with pytest.raises(training.client.exceptions.ClientError, match="Requested resource not found"):
        training.describe("deleted")
    training.start("deleted")
    assert training.ended("deleted")["TrainingJobStatus"] == "Completed"


def test_tags_are_added_listed_and_removed(training: TrainingWorld) -> None:
    arn = training.start("tagged", Tags=[{"Key": "a", "Value": "1"}])
    client = training.client
    assert client.add_tags(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}])["Tags"] == [
        {"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"},
    ]  # fmt: skip
    client.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    training.ended("tagged")


def test_a_job_that_the_servers_stop_cut_off_has_failed_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()
    server = start(tmp_path / "home")
    try:
        training = TrainingWorld.make(server, tmp_path / "image")
        training.start("cut-off", "wait")
        eventually(lambda: training.describe("cut-off")["SecondaryStatus"] == "Training", "training")
        run_command("down", "--home", str(tmp_path / "home"))
        again = start(tmp_path / "home")
        training = TrainingWorld(again, training.image, training.role, training.queue)
        described = training.ended("cut-off")
        assert described["TrainingJobStatus"] == "Failed"
        assert described["FailureReason"].startswith("InternalServerError: ")
        assert training.events("cut-off", last="Failed")[-1]["detail"]["TrainingJobStatus"] == "Failed"
    finally:
        run_command("down", "--home", str(tmp_path / "home"))
