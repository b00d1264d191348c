from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app import ROOT
from tests.infrastructure.synthesis import ACCOUNT, Synthesis, synthesize

MANY_IMAGES = ", ".join(f"public.ecr.aws/docker/library/python-{number}" for number in range(90))
FEW_LINES = """
  wine:
    repository: someone/wine
    branch: release
    paths: { include: ["src/**"] }
    base_images: [MANY_IMAGES, 210987654321.dkr.ecr.eu-west-1.amazonaws.com/base/python]
"""


def test_tags_never_move_pushes_are_scanned_and_only_untagged_images_expire(local: Synthesis) -> None:
    repository = local.resource("AWS::ECR::Repository", path="project-digits").properties
    assert repository["RepositoryName"] == "dropforge-local/digits"
    assert repository["ImageTagMutability"] == "IMMUTABLE"
    assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
    [rule] = json.loads(repository["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]
    assert rule["selection"]["tagStatus"] == "untagged"


def test_executions_wait_for_each_other_and_may_carry_a_dataset_version(local: Synthesis) -> None:
    pipeline = _pipeline(local, "digits")
    assert pipeline["Name"] == "dropforge-local-digits"
    assert pipeline["PipelineType"] == "V2"
    assert pipeline["ExecutionMode"] == "QUEUED"
    [variable] = pipeline["Variables"]
    assert (variable["Name"], variable["DefaultValue"]) == ("dataset_version", "none")


def test_a_push_to_the_branch_that_touches_more_than_excluded_paths_starts_the_pipeline(local: Synthesis) -> None:
    [trigger] = _pipeline(local, "digits")["Triggers"]
    assert trigger["GitConfiguration"]["Push"] == [
        {"Branches": {"Includes": ["main"]}, "FilePaths": {"Excludes": ["docs/**"]}}
    ]
    source = _action(local, "digits", "Source")
    assert source["ActionTypeId"]["Provider"] == "CodeStarSourceConnection"
    assert source["Configuration"]["FullRepositoryId"] == "example/digits"
    assert source["Configuration"]["OutputArtifactFormat"] == "CODEBUILD_CLONE_REF"
    assert source["Configuration"]["DetectChanges"] == "false"


def test_registration_is_told_by_the_pipeline_and_not_by_the_build(local: Synthesis) -> None:
    action = _action(local, "digits", "Register")
    assert action["Configuration"]["FunctionName"] == "dropforge-local-register-image"
    assert json.loads(action["Configuration"]["UserParameters"]) == {
        "project": "digits",
        "commit": "#{Source.CommitId}",
        "branch": "#{Source.BranchName}",
        "execution": "#{codepipeline.PipelineExecutionId}",
        "dataset": "#{variables.dataset_version}",
    }
    assert len(action["Configuration"]["UserParameters"]) < 1000


def test_the_build_runs_the_checked_in_buildspec_with_what_it_needs_to_know(local: Synthesis) -> None:
    build = local.resource("AWS::CodeBuild::Project", path="project-digits").properties
    assert build["Source"]["BuildSpec"] == (ROOT / "buildspecs" / "image.yml").read_text("utf-8")
    given = {one["Name"]: one["Value"] for one in build["Environment"]["EnvironmentVariables"]}
    assert set(given) == {"REPOSITORY_URI", "PROJECT", "VALIDATOR"}
    assert given["REPOSITORY_URI"] == f"{ACCOUNT}.dkr.ecr.eu-central-1.amazonaws.com/dropforge-local/digits"
    passed = json.loads(_action(local, "digits", "Build")["Configuration"]["EnvironmentVariables"])
    assert {one["name"] for one in passed} == {"COMMIT_ID", "EXECUTION_ID", "BRANCH_NAME"}


def test_the_functions_of_the_stage_may_read_a_pipelines_artifacts_only_to_register(local: Synthesis) -> None:
    for project in ("digits", "cancer"):
        policy = local.resource("AWS::S3::BucketPolicy", path=f"project-{project}/Pipeline")
        [reader] = [one for one in policy.properties["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]
        assert reader["Action"] == "s3:GetObject"
        assert "Functionregisterimage" in reader["Principal"]["AWS"]


@pytest.fixture(scope="module")
def with_wine(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    folder = tmp_path_factory.mktemp("wine")
    config: Path = folder / "local.yaml"
    text = (ROOT / "config" / "local.yaml").read_text("utf-8")
    few_lines = FEW_LINES.replace("MANY_IMAGES", MANY_IMAGES)
    config.write_text(
        text.rstrip("\n") + few_lines + "connection: " + CONNECTION + "\npermissions_boundary: " + BOUNDARY
    )
    return synthesize(config, folder / "out")


CONNECTION = "arn:aws:codeconnections:us-east-1:000000000000:connection/7f2f8f6e-0000-4000-8000-000000000000"
BOUNDARY = "arn:aws:iam::000000000000:policy/boundary\n"


def test_another_project_is_a_few_lines_and_a_stack_of_its_own(local: Synthesis, with_wine: Synthesis) -> None:
    assert set(with_wine.templates) - set(local.templates) == {"dropforge-local-project-wine"}
    role = "training/TrainingRole"
    assert list(with_wine.statements(path=role)) == list(local.statements(path=role))
    [trigger] = _pipeline(with_wine, "wine")["Triggers"]
    assert trigger["GitConfiguration"]["Push"] == [
        {"Branches": {"Includes": ["release"]}, "FilePaths": {"Includes": ["src/**"]}}
    ]


def test_a_project_that_takes_long_to_declare_is_kept_in_an_advanced_parameter(
    local: Synthesis, with_wine: Synthesis
) -> None:
    def document(synthesis: Synthesis, project: str) -> dict[str, Any]:
        return synthesis.resource("AWS::SSM::Parameter", path=f"project-{project}/").properties

    assert "Tier" not in document(local, "digits")
    long = document(with_wine, "wine")
    assert 4096 < len(long["Value"]) <= 8192
    assert long["Tier"] == "Advanced"


def test_a_private_base_image_may_be_pulled_and_not_pushed(with_wine: Synthesis) -> None:
    base = "arn:aws:ecr:eu-west-1:210987654321:repository/base/python"
    [statement] = [one for _, one in with_wine.statements(path="project-wine/Build") if base in str(one["Resource"])]
    assert statement["Resource"] == base
    assert not {"ecr:PutImage", "ecr:InitiateLayerUpload"} & set(statement["Action"])


def test_an_existing_connection_is_used_and_none_is_made(local: Synthesis, with_wine: Synthesis) -> None:
    assert len(local.resources("AWS::CodeConnections::Connection")) == 1
    assert not with_wine.resources("AWS::CodeConnections::Connection")
    assert _action(with_wine, "wine", "Source")["Configuration"]["ConnectionArn"] == CONNECTION


def test_no_role_goes_beyond_the_permissions_boundary_that_the_configuration_names(with_wine: Synthesis) -> None:
    roles = with_wine.resources("AWS::IAM::Role")
    assert {role.properties["PermissionsBoundary"] for role in roles} == {BOUNDARY.strip()}


def _pipeline(synthesis: Synthesis, project: str) -> dict[str, Any]:
    return synthesis.resource("AWS::CodePipeline::Pipeline", path=f"project-{project}/").properties


def _action(synthesis: Synthesis, project: str, stage: str) -> dict[str, Any]:
    [actions] = [one["Actions"] for one in _pipeline(synthesis, project)["Stages"] if one["Name"] == stage]
    [action] = actions
    assert isinstance(action, dict)
    return action
