from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from localaws.codepipeline.declaration import check
from localaws.service import ServiceError
from tests.localaws.pipeline_world import action


def _valid() -> dict[str, Any]:
    connection = "arn:aws:codeconnections:us-east-1:000000000000:connection/x"
    source = action(
        "Source/CodeStarSourceConnection",
        {"ConnectionArn": connection, "FullRepositoryId": "acme/churn", "BranchName": "main", "DetectChanges": "false"},
        outputs=["Source"],
    )
    build = action(
        "Build/CodeBuild",
        {"ProjectName": "churn", "EnvironmentVariables": '[{"name":"DATA","value":"#{variables.Data}"}]'},
        inputs=["Source"],
        outputs=["Image"],
    )
    register = action(
        "Invoke/Lambda",
        {"FunctionName": "register", "UserParameters": "#{Build.IMAGE_TAG} #{codepipeline.PipelineExecutionId}"},
        name="Register",
        inputs=["Image"],
    )
    git = {
        "sourceActionName": "Source",
        "push": [{"branches": {"includes": ["main"]}, "filePaths": {"includes": ["**"]}}],
    }
    return {
        "name": "churn",
        "roleArn": "arn:aws:iam::000000000000:role/churn",
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "pipelineType": "V2",
        "executionMode": "QUEUED",
        "variables": [{"name": "Data", "defaultValue": "none"}],
        "triggers": [{"providerType": "CodeStarSourceConnection", "gitConfiguration": git}],
        "stages": [
            {"name": "Source", "actions": [source]},
            {"name": "Build", "actions": [build]},
            {"name": "Register", "actions": [register]},
        ],
    }


def _filter(declaration: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = declaration["triggers"][0]["gitConfiguration"]["push"][0]
    return found


def _git(declaration: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = declaration["triggers"][0]["gitConfiguration"]
    return found


def _set(declaration: dict[str, Any], stage: int, **configuration: str) -> None:
    _action(declaration, stage)["configuration"] |= configuration


def _action(declaration: dict[str, Any], stage: int) -> dict[str, Any]:
    found: dict[str, Any] = declaration["stages"][stage]["actions"][0]
    return found


def test_a_pipeline_as_the_stacks_make_it_is_accepted() -> None:
    check(_valid())


Change = Callable[[dict[str, Any]], Any]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d.pop("artifactStore"), "exactly one of artifactStore"),
        (lambda d: d.update(executionMode="PARALLEL"), "use QUEUED or SUPERSEDED"),
        (lambda d: d.update(pipelineType="V1"), "need pipelineType V2"),
        (lambda d: d.update(stages=d["stages"][:1]), "minimum of 2 stages"),
        (lambda d: d["stages"][1].update(name="Source"), "Two stages are named Source"),
        (lambda d: d["stages"][1].update(actions=[]), "Stage Build has no action"),
        (lambda d: d["stages"].reverse(), "only contains source actions"),
        (lambda d: d["stages"][1].update(onFailure={"result": "ROLLBACK"}), "does not offer onFailure"),
        (lambda d: _action(d, 1)["actionTypeId"].update(provider="Jenkins"), "no action type Build/AWS/Jenkins/1"),
        (lambda d: _action(d, 1)["configuration"].pop("ProjectName"), "lacks ProjectName"),
        (lambda d: _set(d, 1, Project="x"), "unknown key Project"),
        (lambda d: _set(d, 2, UserParameters="x" * 1001), "exceed 1,000 characters"),
        (lambda d: _set(d, 0, OutputArtifactFormat="TAR"), "CODE_ZIP or"),
        (lambda d: _action(d, 0).update(outputArtifacts=[]), "must number 1 to 1"),
        (lambda d: _action(d, 1).update(inputArtifacts=[{"name": "Nothing"}]), "is not an output"),
        (lambda d: _action(d, 1).update(outputArtifacts=[{"name": "Source"}]), "Two actions produce the"),
        (lambda d: _action(d, 1).update(namespace="Source"), "The namespace Source is taken"),
        (lambda d: _action(d, 1).update(namespace="variables"), "The namespace variables is taken"),
        (lambda d: _set(d, 1, EnvironmentVariables="#{Register.X}"), "Register of no earlier"),
        (lambda d: _set(d, 2, UserParameters="#{variables.X}"), "undeclared pipeline variable"),
        (lambda d: _set(d, 0, BranchName="#{variables.Data}"), "cannot use variables"),
        (lambda d: _git(d).update(sourceActionName="Build"), "no connection's source"),
        (lambda d: d.update(triggers=d["triggers"] * 2), "has two triggers"),
        (lambda d: _filter(d).update(tags={"includes": ["v*"]}), "filter of their own"),
        (lambda d: _filter(d).pop("branches"), "filePaths without branches"),
        (lambda d: _filter(d)["branches"].update(includes=["{a"]), "never closes"),
        (lambda d: _git(d).update(pullRequest=[{"events": ["OPEN"]}]), "no pull requests"),
        (lambda d: d.update(variables=d["variables"] * 2), "Data is declared twice"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_pipeline_is_refused_with_what_to_change(change: Change, said: str) -> None:
    declaration = copy.deepcopy(_valid())
    change(declaration)

    with pytest.raises(ServiceError) as refused:
        check(declaration)

    assert said in refused.value.message
    assert refused.value.code.startswith("Invalid")


def test_actions_of_one_run_order_cannot_feed_each_other() -> None:
    declaration = _valid()
    second = copy.deepcopy(_action(declaration, 2))
    declaration["stages"][1]["actions"].append(second)
    declaration["stages"].pop()

    with pytest.raises(ServiceError, match="produce it in an earlier stage, or with a lower runOrder"):
        check(declaration)
    second["runOrder"] = 2
    check(declaration)
