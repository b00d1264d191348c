"""People with no more than a policy of the stage: what it is made for works, and what it is not made for is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from demo.local_aws import LocalSession
from dropforge.domain.run import Run
from tests.command import Answer
from tests.journey.deployed_stage import DeployedStage
from tests.local.story import PROJECT, Story
from tests.local.trial import ACCOUNT, POINTS, REGION, Trial

NO_DATA = "reuse/training/_SUCCESS"
"""A marker, which means nothing to a project that seals by quiet."""

pytestmark = pytest.mark.local


def test_with_the_policy_to_read_every_question_is_answered_and_every_order_refused(trial: Trial, story: Story) -> None:
    run = story.first_run()
    with person(trial, "read") as reader:
        for question in (
            ["projects"], ["runs", PROJECT], ["show", run.id], ["watch", run.id], ["logs", run.id], ["notices"],
            ["download", run.id, "--to", str(trial.scratch / "read-by-a-person.tar.gz")], ["dead-letters"],
            ["lineage", run.id], ["cost"],
        ):  # fmt: skip
            answer = reader.dropforge(*question)
            assert answer.code == 0, (question, answer.said)
        for order in (
            ["pause", PROJECT], ["resume", PROJECT], ["run", PROJECT, "--param", "epochs=3"], ["stop", run.id],
        ):  # fmt: skip
            answer = reader.dropforge(*order)
            assert answer.code == 4, (order, answer.out, answer.said)
            assert "AccessDenied" in answer.said or "not authorized" in answer.said
    assert trial.ports.store.pause(PROJECT) is None


def test_with_the_policy_to_operate_every_order_is_obeyed(disturbed: Trial, lines: Run) -> None:
    with person(disturbed, "operate") as operator:

        def order(*words: str) -> Answer:
            answer = operator.dropforge(*words)
            assert answer.code == 0, (words, answer.said)
            return answer

        order("pause", lines.project)
        run = order("run", lines.project, "--param", "epochs=7", "--json").document["id"]
        order("stop", run)
        order("retry", run)
        order("resume", lines.project)
        order("dead-letters", "--redrive")
        disturbed.completed(run)


def test_with_the_policy_to_drop_data_goes_below_the_one_prefix_and_nowhere_else(trial: Trial) -> None:
    with person(trial, "drop-reuse") as dropper:
        bucket = trial.deployment.training_bucket
        assert dropper.aws.s3.list_objects_v2(Bucket=bucket, Prefix="reuse/")["Name"] == bucket
        mine = dropper.aws.s3.put_object(Bucket=bucket, Key=NO_DATA, Body=b"")
        assert mine["VersionId"]
        with pytest.raises(ClientError, match="AccessDenied"):
            dropper.aws.s3.put_object(Bucket=bucket, Key="rebuild/training/points.csv", Body=POINTS)
        with pytest.raises(ClientError, match="AccessDenied"):
            dropper.aws.s3.delete_object(Bucket=bucket, Key=NO_DATA, VersionId=mine["VersionId"])


def test_with_the_policies_to_read_and_to_audit_the_record_and_the_stage_are_checked(
    trial: Trial, story: Story
) -> None:
    run = story.first_run()
    trial.eventually(lambda: trial.run(run.id).signed, f"the signature of {run.id}", trial.patience.run)
    with person(trial, "read", "audit") as auditor:
        for question in (["public-key"], ["verify", run.id], ["audit", "verify", run.id]):
            answer = auditor.dropforge(*question)
            assert answer.code == 0, (question, answer.said)
        assert auditor.dropforge("doctor").code in {0, 1}  # by what it found, and not since it may not ask


@contextmanager
def person(trial: Trial, *policies: str) -> Iterator[DeployedStage]:
    """The stage as a user sees it who has these of its policies and nothing else."""
    iam, name = trial.session.client("iam"), f"person-{'-'.join(policies)}"
    arns = [f"arn:aws:iam::{ACCOUNT}:policy/{trial.deployment.name}-{policy}-{REGION}" for policy in policies]
    iam.create_user(UserName=name)
    for arn in arns:
        iam.attach_user_policy(UserName=name, PolicyArn=arn)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    environment = {
        **trial.bench.environment,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    try:
        yield replace(trial, bench=replace(trial.bench, environment=environment), session=LocalSession(environment))
    finally:
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        for arn in arns:
            iam.detach_user_policy(UserName=name, PolicyArn=arn)
        iam.delete_user(UserName=name)
