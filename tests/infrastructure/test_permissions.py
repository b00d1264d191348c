from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dropforge.settings import FUNCTIONS
from tests.infrastructure.synthesis import ACCOUNT, Synthesis, synthesize

WITHOUT_RESOURCES = {
    "xray:PutTelemetryRecords", "xray:PutTraceSegments", "ecr:GetAuthorizationToken",
    "codepipeline:PutJobFailureResult", "codepipeline:PutJobSuccessResult", "cloudwatch:PutMetricData",
    "dynamodb:ListStreams",
}  # fmt: skip
"""The only actions that any role may use on `*`: AWS limits them to no resource."""

WILDCARDS = {
    r"arn:aws:logs:.*:/aws/(lambda|codebuild)/dropforge-local-[a-z-]+:(log-stream:)?\*": "streams of one log",
    r"arn:aws:logs:.*:/aws/sagemaker/TrainingJobs:(\*|log-stream:dropforge-local-\*)": "job logs",
    r"arn:aws:sagemaker:.*:training-job/dropforge-local-\*": "jobs of this deployment",
    r"arn:aws:s3:::dropforge-local-artifacts-[^*]+/(datasets|manifests|runs)/\*": "objects below one prefix",
    r"arn:aws:s3:::dropforge-local-artifacts-[^*]+/runs/\*\.intoto\.jsonl": "statements beside models",
    r"arn:aws:s3:::dropforge-local-audit-[^*]+/heads/\*": "signed heads of trails",
    r"arn:aws:s3:::dropforge-local-training-[^*]+/\*": "dropped objects",
    r"<Pipeline[A-Z0-9]+\.Arn>/\*": "artifacts of one pipeline",
    r"arn:aws:ecr:.*:repository/dropforge-local/\*": "images of this deployment",
    r"arn:aws:codepipeline:.*:dropforge-local-\*(/Register)?": "pipelines of this deployment",
    r"arn:aws:codebuild:.*:project/dropforge-local-\*": "builds of this deployment",
    r"arn:aws:logs:.*:/aws/codebuild/dropforge-local-\*:log-stream:\*": "build logs of this deployment",
}
"""Every other resource with a wildcard, and what it stands for."""


def test_no_role_may_use_a_wildcard_action(local: Synthesis) -> None:
    for path, statement in local.statements():
        assert not [action for action in _list(statement["Action"]) if "*" in action], path


def test_every_wildcard_resource_is_one_of_the_few_that_are_explained(local: Synthesis) -> None:
    for path, statement in local.statements():
        for resource in _list(statement["Resource"]):
            if resource == "*":
                assert set(_list(statement["Action"])) <= WITHOUT_RESOURCES, path
            elif "*" in resource:
                assert any(re.fullmatch(known, resource) for known in WILDCARDS), (path, resource)


def test_roles_have_customer_managed_policies_alone(local: Synthesis) -> None:
    assert not local.resources("AWS::IAM::Policy")
    for role in local.resources("AWS::IAM::Role"):
        assert "Policies" not in role.properties
        [policy] = role.properties["ManagedPolicyArns"]
        assert policy.startswith("<"), "a policy of this template, not one of AWS's"


def test_a_service_assumes_a_role_for_the_one_resource_that_has_it(local: Synthesis) -> None:
    for role in local.resources("AWS::IAM::Role"):
        [statement] = role.properties["AssumeRolePolicyDocument"]["Statement"]
        if statement["Principal"] == {"Service": "lambda.amazonaws.com"}:
            # Lambda documents no source condition for execution roles, which can only be passed within their account.
            continue
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
        assert "dropforge-local" in statement["Condition"]["ArnLike"]["aws:SourceArn"]


def test_a_service_reaches_a_queue_topic_or_bucket_for_this_deployments_resources_alone(local: Synthesis) -> None:
    admitted = [
        statement
        for kind in ("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::S3::BucketPolicy")
        for policy in local.resources(kind)
        for statement in policy.properties["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and "Service" in statement["Principal"]
    ]
    assert len(admitted) >= 12
    for statement in admitted:
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
        assert "dropforge-local-" in statement["Condition"]["ArnLike"]["aws:SourceArn"]


def test_who_lets_what_failed_come_again_may_do_so_with_messages_of_its_own_queue_alone(telling: Synthesis) -> None:
    may = {
        _function(path): _list(statement["Resource"])
        for path, statement in telling.statements()
        if "sqs:ChangeMessageVisibility" in _list(statement["Action"]) and "Function-" in path
    }
    fed = {
        _function(mapping.path): [mapping.properties["EventSourceArn"]]
        for mapping in telling.resources("AWS::Lambda::EventSourceMapping")
    }
    apart = {"data-dropped", "record-job-state", "record-build-state", "deliver-state", "sign-run"}
    assert may == {function: fed[function] for function in {"dispatch-runs", *apart}}


def test_who_records_runs_adds_to_the_trail_and_nobody_changes_or_removes_an_entry(local: Synthesis) -> None:
    may: dict[str, set[str]] = {}
    for path, statement in local.statements():
        if any("table/dropforge-local-trail" in resource for resource in _list(statement["Resource"])):
            may.setdefault(path, set()).update(_list(statement["Action"]))
    assert len(may) == len(FUNCTIONS) - 4
    without = (
        "Function-data-dropped",
        "Function-record-build-state",
        "Function-publish-state",
        "Function-give-public-key",
    )
    assert not any(one in path for path in may for one in without)
    readers = ("Function-announce", "Function-sign-run", "Function-sweep")
    for path, actions in may.items():
        reads = {"dynamodb:Query"} if any(one in path for one in readers) else set()
        assert actions == {"dynamodb:PutItem"} | reads, path


@pytest.mark.parametrize(
    ("action", "functions"),
    [
        ("dynamodb:DeleteItem", []),
        ("dynamodb:BatchWriteItem", ["Function-seal-dataset"]),
        ("dynamodb:ConditionCheckItem", []),
    ],
)
def test_items_are_deleted_or_written_in_bulk_by_those_alone_who_have_to(
    local: Synthesis, action: str, functions: list[str]
) -> None:
    paths = [path for path, statement in local.statements() if action in _list(statement["Action"])]
    assert len(paths) == len(functions)
    assert all(function in path for function, path in zip(functions, paths, strict=True))


@pytest.mark.parametrize(
    "action",
    [
        "sagemaker:DeleteTrainingJob", "sagemaker:ListTrainingJobs", "s3:DeleteObject", "s3:DeleteObjectVersion",
        "ecr:BatchDeleteImage", "ecr:DeleteRepository", "sts:AssumeRole",
    ],
)  # fmt: skip
def test_nobody_has_a_permission_that_nothing_needs(local: Synthesis, action: str) -> None:
    assert action not in set(_granted(local))


def test_one_function_signs_with_one_key_and_writes_statements_and_nothing_else(local: Synthesis) -> None:
    signing = [(path, one) for path, one in local.statements() if "kms:Sign" in _list(one["Action"])]
    [(path, statement)] = signing
    assert "Function-sign-run" in path
    assert re.fullmatch(r".*SigningKey.*", str(statement["Resource"]))
    written = [
        resource
        for _, one in local.statements(path="Function-sign-run")
        if "s3:PutObject" in _list(one["Action"])
        for resource in _list(one["Resource"])
    ]
    assert [resource.partition("/")[2] for resource in written] == ["runs/*.intoto.jsonl", "heads/*"]
    others = [path for path, one in local.statements() if any("-audit-" in each for each in _list(one["Resource"]))]
    assert all("Function-sign-run" in path for path in others)


def test_only_the_dispatcher_passes_a_role_and_only_the_training_role_to_sagemaker(local: Synthesis) -> None:
    passing = [(path, one) for path, one in local.statements() if "iam:PassRole" in _list(one["Action"])]
    [(path, statement)] = passing
    assert "Function-dispatch-runs" in path
    assert statement["Action"] == "iam:PassRole"
    assert re.fullmatch(r"<TrainingRole[A-Z0-9]+\.Arn>", statement["Resource"])
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}


def test_only_who_starts_or_watches_jobs_may_stop_them_and_only_the_deployments_own(local: Synthesis) -> None:
    stopping = [one for one in local.statements() if "sagemaker:StopTrainingJob" in _list(one[1]["Action"])]
    assert len(stopping) == 3
    for path, statement in stopping:
        assert any(name in path for name in ("dispatch-runs", "record-job-state", "sweep"))
        assert str(statement["Resource"]).endswith(":training-job/dropforge-local-*")


def test_a_training_job_reads_pinned_data_and_writes_below_runs_and_no_more(local: Synthesis) -> None:
    may: dict[str, set[str]] = {}
    for _, statement in local.statements(path="training/TrainingRolePolicy"):
        for action in _list(statement["Action"]):
            may.setdefault(action, set()).update(_list(statement["Resource"]))
    artifacts = f"arn:aws:s3:::dropforge-local-artifacts-{ACCOUNT}-eu-central-1"
    assert may["s3:GetObject"] == {f"{artifacts}/{folder}/*" for folder in ("datasets", "manifests", "runs")}
    assert may["s3:PutObject"] == {f"{artifacts}/runs/*"}
    assert may["s3:ListBucket"] == {artifacts}
    assert {name.split(":")[0] for name in may} == {"s3", "kms", "ecr", "logs", "cloudwatch"}
    assert may["ecr:BatchGetImage"] == {f"arn:aws:ecr:eu-central-1:{ACCOUNT}:repository/dropforge-local/*"}


def test_a_training_job_reads_dropped_objects_only_of_projects_whose_data_is_verified(tmp_path: Path) -> None:
    config = tmp_path / "dev.yaml"
    config.write_text(
        "stage: dev\nregion: eu-central-1\nprojects:\n"
        "  digits: {repository: a/digits, pin: {mode: verify}}\n  cancer: {repository: a/cancer}\n",
        encoding="utf-8",
    )
    reads = [
        resource
        for _, statement in synthesize(config, tmp_path / "out").statements(path="training/TrainingRole")
        if "s3:GetObject" in _list(statement["Action"])
        for resource in _list(statement["Resource"])
    ]
    dropped = [each for each in reads if "-training-" in each]
    assert dropped == [f"arn:aws:s3:::dropforge-dev-training-{ACCOUNT}-eu-central-1/digits/*"]


@pytest.mark.parametrize(("project", "other"), [("digits", "cancer"), ("cancer", "digits")])
def test_a_build_cannot_so_much_as_name_another_project(local: Synthesis, project: str, other: str) -> None:
    statements = [one for _, one in local.statements(path=f"project-{project}/Build")]
    assert statements
    assert other not in str(statements)
    pushed = {
        resource
        for statement in statements
        if "ecr:PutImage" in _list(statement["Action"])
        for resource in _list(statement["Resource"])
    }
    assert pushed == {f"arn:aws:ecr:eu-central-1:{ACCOUNT}:repository/dropforge-local/{project}"}


def test_a_build_may_do_nothing_but_push_clone_log_and_hand_over(local: Synthesis) -> None:
    granted = {
        action
        for _, statement in local.statements(path="project-digits/Build")
        for action in _list(statement["Action"])
    }
    services = {action.split(":")[0] for action in granted}
    assert services == {"ecr", "codeconnections", "codestar-connections", "logs", "s3", "kms"}
    assert {action for action in granted if action.startswith("s3:")} == {
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:PutObject",
    }


def test_a_build_may_use_the_connection_to_pull_its_repository_and_never_to_push(local: Synthesis) -> None:
    using = [
        statement
        for _, statement in local.statements(path="project-digits/Build")
        if "UseConnection" in statement["Action"]
    ]
    assert {statement["Action"] for statement in using} == {
        "codeconnections:UseConnection",
        "codestar-connections:UseConnection",
    }
    for statement in using:
        service = statement["Action"].split(":")[0]
        assert statement["Condition"] == {
            "StringEqualsIfExists": {
                f"{service}:FullRepositoryId": "example/digits",
                f"{service}:ProviderAction": "GitPull",
                f"{service}:ProviderPermissionsRequired": "read_only",
            }
        }


def test_who_follows_a_stream_may_do_all_that_lambda_asks_of_a_mapping(local: Synthesis) -> None:
    may = {
        action: statement["Resource"]
        for _, statement in local.statements(path="Function-announce")
        for action in _list(statement["Action"])
        if "Stream" in action or action in {"dynamodb:GetRecords", "dynamodb:GetShardIterator"}
    }
    assert set(may) == {f"dynamodb:{each}" for each in ("DescribeStream", "GetRecords", "GetShardIterator")} | {
        "dynamodb:ListStreams",
        "logs:CreateLogStream",
    }
    assert may["dynamodb:ListStreams"] == "*"
    assert "StreamArn" in may["dynamodb:GetRecords"]


def _granted(synthesis: Synthesis) -> Iterator[str]:
    for _, statement in synthesis.statements():
        yield from _list(statement["Action"])


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _function(path: str) -> str:
    """Of which of the stage's functions the resource is a part."""
    return path.partition("Function-")[2].partition("/")[0]
