"""IAM is enforced: what a role may not do is not done, and nothing is lost over it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dropforge.domain.run import Run
from dropforge.settings import FUNCTIONS, SINK_FUNCTIONS
from localaws.caller import Caller, ServicePrincipal
from tests.local.story import Story
from tests.local.trial import ACCOUNT, POINTS, REGION, Trial

pytestmark = pytest.mark.local


def test_without_a_permission_drops_end_among_the_dead_letters_and_with_it_they_go_on_from_there(
    disturbed: Trial, lines: Run
) -> None:
    before = [run.id for run in disturbed.runs(lines.project)]
    dead = disturbed.queue("ingest-dead-letters")
    with disturbed.impatient("ingest"), without(disturbed, "data_dropped", "dynamodb:UpdateItem"):
        disturbed.drop(lines.project, POINTS + b"6,13\n")
        letter = disturbed.eventually(
            lambda: next(iter(disturbed.aws.sqs.receive_message(QueueUrl=dead).get("Messages", [])), None),
            "a dead letter", disturbed.patience.run,
        )  # fmt: skip
    assert [run.id for run in disturbed.runs(lines.project)] == before
    assert f"{lines.project}/training/points.csv" in letter["Body"]

    disturbed.send("ingest", letter["Body"])  # what a redrive does
    disturbed.aws.sqs.delete_message(QueueUrl=dead, ReceiptHandle=letter["ReceiptHandle"])
    disturbed.completed(disturbed.new_run(lines.project, *before).id)


@contextmanager
def without(trial: Trial, module: str, action: str) -> Iterator[None]:
    """Take an action from the one policy of a function's role, in a version of its own; then put it back."""
    iam = trial.session.client("iam")
    [attached] = iam.list_attached_role_policies(RoleName=role_of(trial, module).rpartition("/")[2])["AttachedPolicies"]
    policy = attached["PolicyArn"]
    version = iam.get_policy(PolicyArn=policy)["Policy"]["DefaultVersionId"]
    whole = json.dumps(iam.get_policy_version(PolicyArn=policy, VersionId=version)["PolicyVersion"]["Document"])
    assert action in whole
    narrowed = whole.replace(action, "dynamodb:DescribeTable")
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=narrowed, SetAsDefault=True)
    try:
        yield
    finally:
        iam.create_policy_version(PolicyArn=policy, PolicyDocument=whole, SetAsDefault=True)


def test_no_function_can_change_or_remove_what_the_trail_says(trial: Trial, story: Story) -> None:
    run = story.first_run()
    trail = trial.ports.store.trail(run.id)
    table = trial.aws.dynamodb.scan(TableName=trial.deployment.trail_table, Limit=1)["Items"][0]
    key = {name: table[name] for name in ("pk", "sk")}

    for module in (*FUNCTIONS, *SINK_FUNCTIONS):
        dynamodb = as_function(trial, module)
        with pytest.raises(ClientError, match="AccessDenied"):
            dynamodb.update_item(
                TableName=trial.deployment.trail_table, Key=key, UpdateExpression="SET body = :forged",
                ExpressionAttributeValues={":forged": {"S": "{}"}},
            )  # fmt: skip
        with pytest.raises(ClientError, match="AccessDenied"):
            dynamodb.delete_item(TableName=trial.deployment.trail_table, Key=key)

    assert trial.ports.store.trail(run.id)[: len(trail)] == trail  # its signature may have followed meanwhile


def as_function(trial: Trial, module: str, service: str = "dynamodb") -> Any:
    """A client of a service with the very rights of a function."""
    caller = Caller(trial.bench.environment["AWS_ENDPOINT_URL"], REGION, trial.home.credentials())
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{trial.deployment.name}-{module.replace('_', '-')}"
    principal = ServicePrincipal("lambda.amazonaws.com", function)
    return caller.role(role_of(trial, module), "test", principal).client(service)


def role_of(trial: Trial, module: str) -> str:
    name = f"{trial.deployment.name}-{module.replace('_', '-')}"
    role: str = trial.session.client("lambda").get_function(FunctionName=name)["Configuration"]["Role"]
    return role
