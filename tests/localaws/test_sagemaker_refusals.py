from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.training_world import INSTANCE, TrainingWorld

pytestmark = pytest.mark.local


def _refusal(training: TrainingWorld, name: str, **members: Any) -> Mapping[str, Any]:
    with pytest.raises(ClientError) as refused:
        training.start(name, **members)
    error = refused.value.response["Error"]
    with pytest.raises(ClientError, match="Requested resource not found"):
        training.describe(name)
    return error


def test_a_name_can_be_used_once(training: TrainingWorld) -> None:
    arn = training.start("only-once")
    with pytest.raises(ClientError, match=f"ResourceInUse.*{arn}"):
        training.start("only-once")
    training.ended("only-once")


def test_a_malformed_name_is_refused_as_aws_words_it(training: TrainingWorld) -> None:
    with pytest.raises(ClientError) as refused:
        training.start("under_score")
    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert error["Message"].startswith("1 validation error detected: Value 'under_score' at 'trainingJobName' failed")


def test_a_role_that_does_not_trust_sagemaker_is_refused(training: TrainingWorld) -> None:
    role = training.server.role("trusts-lambda", "lambda.amazonaws.com")
    error = _refusal(training, "untrusting", RoleArn=role)
    assert error["Message"].startswith(f"Could not assume role {role}.")


def test_an_image_that_is_not_there_is_refused(training: TrainingWorld) -> None:
    image = training.image.replace("programs", "programms")
    algorithm = {"TrainingImage": image, "TrainingInputMode": "File"}
    error = _refusal(training, "no-image", AlgorithmSpecification=algorithm)
    assert error["Message"].startswith(f"Cannot find image {image}")


def test_what_this_machine_cannot_do_is_refused_and_not_pretended(training: TrainingWorld) -> None:
    two = {"InstanceType": INSTANCE, "InstanceCount": 2, "VolumeSizeInGB": 1}
    assert "InstanceCount" in _refusal(training, "two", ResourceConfig=two)["Message"]
    assert "spot" in _refusal(training, "spot", EnableManagedSpotTraining=True)["Message"]
    tracking = {"ExperimentName": "none"}
    assert "ExperimentConfig" in _refusal(training, "experiment", ExperimentConfig=tracking)["Message"]


def test_what_stands_deeper_in_a_request_is_refused_by_name_too(training: TrainingWorld) -> None:
    plan = "arn:aws:sagemaker:us-east-1:000000000000:training-plan/a"
    placed = {"InstanceType": INSTANCE, "InstanceCount": 1, "VolumeSizeInGB": 1, "TrainingPlanArn": plan}
    stopping = {"MaxRuntimeInSeconds": 60, "MaxPendingTimeInSeconds": 7200}
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://a/b", "AttributeNames": ["label"]}
    channel = {"ChannelName": "training", "DataSource": {"S3DataSource": source}}

    refusals = [
        _refusal(training, "deep", **members)["Message"]
        for members in ({"ResourceConfig": placed}, {"StoppingCondition": stopping}, {"InputDataConfig": [channel]})
    ]

    assert "ResourceConfig.TrainingPlanArn" in refusals[0]
    assert "StoppingCondition.MaxPendingTimeInSeconds" in refusals[1]
    assert refusals[2] == "Channel training: the local AWS does not offer AttributeNames of S3DataSource."


def test_a_quota_of_zero_says_so_in_the_words_of_aws(training: TrainingWorld) -> None:
    accelerated = {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1}
    error = _refusal(training, "accelerated", ResourceConfig=accelerated)
    assert error["Code"] == "ResourceLimitExceeded"
    assert error["Message"].startswith(
        "The account-level service limit 'ml.p3.2xlarge for training job usage' is 0 Instances, with current "
        "utilization of 0 Instances and a request delta of 1 Instances."
    )


def test_a_running_job_uses_the_quota_until_it_ends(training: TrainingWorld) -> None:
    quotas = training.server.home.config / "sagemaker-quotas.json"
    quotas.write_text(json.dumps({"ml.c5.xlarge": 1}))
    resources = {"InstanceType": "ml.c5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1}
    training.start("first-of-one", "wait", ResourceConfig=resources)
    error = _refusal(training, "second-of-one", ResourceConfig=resources)
    assert "utilization of 1 Instances" in error["Message"]
    training.client.stop_training_job(TrainingJobName="first-of-one")
    training.ended("first-of-one")
    training.start("second-of-one", ResourceConfig=resources)
    assert training.ended("second-of-one")["TrainingJobStatus"] == "Completed"


def test_a_job_that_has_ended_cannot_be_stopped(training: TrainingWorld) -> None:
    training.start("over")
    training.ended("over")
    with pytest.raises(ClientError, match="is in status Completed"):
        training.client.stop_training_job(TrainingJobName="over")


def _caller(training: TrainingWorld, name: str, *statements: dict[str, Any]) -> Any:
    return training.server.client("sagemaker", training.server.role(name, "lambda.amazonaws.com", *statements))


def _allow(action: str, resource: str = "*", **condition: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return statement | ({"Condition": condition} if condition else {})


def test_a_caller_needs_the_permission_on_that_very_job(training: TrainingWorld) -> None:
    jobs = "arn:aws:sagemaker:*:*:training-job"
    create = _allow("sagemaker:CreateTrainingJob", f"{jobs}/mine-*")
    caller = _caller(training, "own-jobs", create, _allow("iam:PassRole", training.role))
    caller.create_training_job(**training.request("mine-1"))
    with pytest.raises(ClientError, match="AccessDenied"):
        caller.create_training_job(**training.request("yours-1"))
    assert training.ended("mine-1")["TrainingJobStatus"] == "Completed"


def test_a_caller_must_be_allowed_to_pass_the_role_to_sagemaker(training: TrainingWorld) -> None:
    create = _allow("sagemaker:CreateTrainingJob")
    elsewhere = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    here = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    for name, statements in (("none", []), ("elsewhere", [_allow("iam:PassRole", training.role, **elsewhere)])):
        caller = _caller(training, f"passes-{name}", create, *statements)
        with pytest.raises(ClientError, match="iam:PassRole"):
            caller.create_training_job(**training.request(f"passed-{name}"))
    allowed = _caller(training, "passes-here", create, _allow("iam:PassRole", training.role, **here))
    allowed.create_training_job(**training.request("passed-here"))
    assert training.ended("passed-here")["TrainingJobStatus"] == "Completed"


def test_a_caller_that_tags_a_new_job_needs_add_tags(training: TrainingWorld) -> None:
    statements = [_allow("sagemaker:CreateTrainingJob"), _allow("iam:PassRole", training.role)]
    tagged = training.request("tagged-by", Tags=[{"Key": "a", "Value": "b"}])
    with pytest.raises(ClientError, match="sagemaker:AddTags"):
        _caller(training, "may-not-tag", *statements).create_training_job(**tagged)
    _caller(training, "may-tag", *statements, _allow("sagemaker:AddTags")).create_training_job(**tagged)
    training.ended("tagged-by")
