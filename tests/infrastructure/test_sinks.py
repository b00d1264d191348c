"""What telling other systems adds to a stage: nothing, unless it is switched on."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from dropforge.domain.sinks import GitHubStatusSink, OpenLineageSink, Sinks
from dropforge.settings import DeliverStateSettings, from_environment, variable
from tests.infrastructure.synthesis import ACCOUNT, REGION, Synthesis

FUNCTION = "Function-deliver-state/"


def test_a_stage_that_tells_nobody_has_nothing_for_it(local: Synthesis, telling: Synthesis) -> None:
    before, added = ({(one.type, one.path) for one in each.resources()} for each in (local, telling))
    assert before < added
    kinds = sorted(kind for kind, _ in added - before)
    assert kinds == sorted([
        "AWS::SQS::Queue", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::SQS::QueuePolicy", "AWS::Events::Rule",
        "AWS::Lambda::Function", "AWS::Lambda::EventSourceMapping", "AWS::Logs::LogGroup", "AWS::IAM::Role",
        "AWS::IAM::ManagedPolicy", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Alarm",
    ])  # fmt: skip


def test_the_environment_is_what_the_settings_read_and_names_secrets_without_what_they_hold(telling: Synthesis) -> None:
    environment = telling.resource("AWS::Lambda::Function", path=FUNCTION).properties["Environment"]["Variables"]
    assert set(environment) == {variable(field.name) for field in fields(DeliverStateSettings)}
    assert from_environment(DeliverStateSettings, environment).sinks == Sinks(
        OpenLineageSink("https://lineage.example.com", "dropforge-local", "dropforge/lineage"),
        GitHubStatusSink(
            "https://api.github.com", "arn:aws:secretsmanager:us-east-1:000000000000:secret:dropforge/github-Ab12Cd"
        ),
    )


def test_changes_of_this_deployment_alone_wait_in_a_queue_and_its_dead_letters_raise_an_alarm(
    telling: Synthesis,
) -> None:
    rule = telling.resource("AWS::Events::Rule", path="Rule-run-changed/").properties
    assert rule["EventPattern"] == {
        "source": ["dropforge"],
        "detail-type": ["Dropforge Run State Change"],
        "detail": {"deployment": ["dropforge-local"]},
    }
    queue = telling.resource("AWS::SQS::Queue", path="Queue-deliver/Queue")
    [target] = rule["Targets"]
    assert queue.logical_id in target["Arn"]
    assert "DeadLetters" in queue.properties["RedrivePolicy"]["deadLetterTargetArn"]
    mapping = telling.resource("AWS::Lambda::EventSourceMapping", path=FUNCTION).properties
    assert queue.logical_id in mapping["EventSourceArn"]
    assert (mapping["BatchSize"], mapping["ScalingConfig"]) == (1, {"MaximumConcurrency": 2})
    names = {
        alarm.properties["AlarmName"] for alarm in telling.resources("AWS::CloudWatch::Alarm", path="Alarm-deliver")
    }
    assert names == {
        "dropforge-local-deliver-dead-letters-not-empty",
        "dropforge-local-deliver-late",
        "dropforge-local-deliver-state-errors",
    }


def test_who_tells_others_reads_runs_and_its_two_tokens_and_changes_nothing(telling: Synthesis) -> None:
    granted: dict[str, list[str]] = {}
    for _, statement in telling.statements(path=FUNCTION):
        for action in _list(statement["Action"]):
            granted.setdefault(action, []).extend(_list(statement["Resource"]))
    assert granted.pop("secretsmanager:GetSecretValue") == [
        f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:dropforge/lineage-??????",
        "arn:aws:secretsmanager:us-east-1:000000000000:secret:dropforge/github-Ab12Cd",
    ]
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/dropforge-local-state"
    assert granted.pop("dynamodb:GetItem") == [table]
    assert granted.pop("dynamodb:Query") == [f"{table}/index/by_project"]
    assert {action.partition(":")[0] for action in granted} == {"kms", "logs", "sqs", "xray"}
    assert "sqs:SendMessage" not in granted


def test_nobody_else_reads_a_token(telling: Synthesis) -> None:
    readers = [path for path, one in telling.statements() if "secretsmanager:GetSecretValue" in _list(one["Action"])]
    assert len(readers) == 1
    assert not any("secretsmanager" in str(each) for each in telling.for_people("dropforge-local-operate"))


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
