from __future__ import annotations

from typing import Any

import pytest

from localaws.cloudformation.handler import changed_tags, generated_name
from localaws.cloudformation.properties import to_request
from localaws.service import ServiceError
from localaws.shapes import service_model

PIPELINE = service_model("codepipeline").shape_for("PipelineDeclaration")
PROJECT = service_model("codebuild").operation_model("CreateProject").input_shape


def test_names_and_types_follow_the_services_model() -> None:
    action = {
        "Name": "Build", "RunOrder": "2",
        "ActionTypeId": {"Category": "Build", "Owner": "AWS", "Provider": "CodeBuild", "Version": 1},
        "Configuration": {"ProjectName": "p", "BatchEnabled": True, "EnvironmentVariables": [{"name": "A"}]},
    }  # fmt: skip

    converted = to_request({"Name": "churn", "Stages": [{"Name": "Build", "Actions": [action]}]}, PIPELINE)

    assert converted["stages"][0]["actions"] == [{
        "name": "Build", "runOrder": 2,
        "actionTypeId": {"category": "Build", "owner": "AWS", "provider": "CodeBuild", "version": "1"},
        "configuration": {"ProjectName": "p", "BatchEnabled": "true", "EnvironmentVariables": '[{"name": "A"}]'},
    }]  # fmt: skip


def test_a_name_whose_case_the_api_writes_otherwise_is_found() -> None:
    project = {
        "Name": "p",
        "Source": {"Type": "CODEPIPELINE", "BuildSpec": "x"},
        "Environment": {"PrivilegedMode": "true"},
    }

    converted = to_request(project, PROJECT)

    assert converted["source"]["buildspec"] == "x"
    assert converted["environment"]["privilegedMode"] is True


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ({"Nmae": "x"}, "Properties/Nmae is no property of this resource: remove it."),
        ({"Stages": "x"}, "Properties/Stages must be a list."),
        ({"Stages": [{"Actions": [{"RunOrder": "two"}]}]}, "Properties/Stages/0/Actions/0/RunOrder must be a number"),
    ],
)
def test_a_mistake_is_refused_with_the_path_to_it(properties: dict[str, Any], said: str) -> None:
    with pytest.raises(ServiceError) as refused:
        to_request(properties, PIPELINE)

    assert said in refused.value.message


def test_generated_names_fit_and_differ() -> None:
    names = {generated_name("a-stack-with-a-long-name" * 5, "Pipeline", 100) for _ in range(50)}

    assert len(names) == 50
    assert max(map(len, names)) <= 100


def test_changed_tags_are_those_to_set_and_those_to_remove() -> None:
    old = {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}, {"Key": "c", "Value": "1"}]}
    new = {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]}

    assert changed_tags(old, new) == ({"b": "2"}, ["c"])
