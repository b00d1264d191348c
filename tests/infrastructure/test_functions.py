from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest

from dropforge.adapters.dead_letters import QUEUES, SOURCES
from dropforge.adapters.sqs import DISPATCH_DELAY, PATIENCE
from dropforge.settings import FUNCTIONS, from_environment, variable
from tests.infrastructure.synthesis import Resource, Synthesis

QUEUE_OF = {
    "data_dropped": "foundation/Ingest",
    "seal_dataset": "training/Queue-seal",
    "dispatch_runs": "training/Queue-dispatch",
    "record_job_state": "training/Queue-job-state",
    "record_build_state": "training/Queue-build-state",
    "sign_run": "training/Queue-sign",
    "sweep": "training/Queue-sweep",
}


@pytest.mark.parametrize("module", FUNCTIONS)
def test_a_functions_environment_is_exactly_what_its_settings_read(local: Synthesis, module: str) -> None:
    environment = _function(local, module)["Environment"]["Variables"]
    assert set(environment) == {variable(field.name) for field in fields(FUNCTIONS[module])}
    assert from_environment(FUNCTIONS[module], environment).stage == "local"


@pytest.mark.parametrize("module", FUNCTIONS)
def test_a_function_has_the_current_runtime_its_own_encrypted_log_and_a_role_of_its_own(
    local: Synthesis, module: str
) -> None:
    function = _function(local, module)
    assert function["Handler"] == f"lambdas.{module}.handler"
    assert function["Runtime"] == "python3.14"
    assert function["Architectures"] == ["arm64"]
    assert function["TracingConfig"] == {"Mode": "Active"}
    logs = local.resource("AWS::Logs::LogGroup", path=f"Function-{_dashed(module)}/").properties
    assert logs["LogGroupName"] == function["LoggingConfig"]["LogGroup"] == f"/aws/lambda/{function['FunctionName']}"
    assert logs["RetentionInDays"] == 7
    roles = [one.properties["Role"] for one in local.resources("AWS::Lambda::Function")]
    assert roles.count(function["Role"]) == 1


@pytest.mark.parametrize("module", QUEUE_OF)
def test_a_queue_feeds_its_function_in_batches_that_may_fail_in_part(local: Synthesis, module: str) -> None:
    mapping = local.resource("AWS::Lambda::EventSourceMapping", path=f"Function-{_dashed(module)}/").properties
    queue = local.resource("AWS::SQS::Queue", path=f"{QUEUE_OF[module]}/Queue")
    assert queue.logical_id in mapping["EventSourceArn"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    tries = 1 if queue.properties.get("FifoQueue") else 6  # all of an ordered queue wait for one that was killed
    assert queue.properties["VisibilityTimeout"] == tries * _function(local, module)["Timeout"]


def test_each_queue_has_a_dead_letter_queue_and_the_last_ones_keep_for_fourteen_days(local: Synthesis) -> None:
    queues = {one.path: one.properties for one in local.resources("AWS::SQS::Queue")}
    last = {path for path, properties in queues.items() if "RedrivePolicy" not in properties}
    assert len(last) == len(QUEUE_OF) + 2
    for path in last:
        assert any(word in path for word in ("DeadLetters", "Undelivered", "Abandoned")), path
    for path in set(queues) - last:
        assert "DeadLetters" in queues[path]["RedrivePolicy"]["deadLetterTargetArn"]
    assert {properties["MessageRetentionPeriod"] for properties in queues.values()} == {14 * 24 * 3600}


def test_the_dispatchers_queue_lets_one_work_at_a_time_and_keeps_a_wake_up_back_while_it_absorbs_others(
    local: Synthesis,
) -> None:
    queue = local.resource("AWS::SQS::Queue", path="Queue-dispatch/Queue").properties
    assert queue["FifoQueue"] is True
    assert queue["DelaySeconds"] == DISPATCH_DELAY.total_seconds()
    assert queue["QueueName"] == "dropforge-local-dispatch.fifo"
    assert _target(local, "dispatch-tick")["SqsParameters"] == {"MessageGroupId": "dispatch"}


def test_the_stream_wakes_announce_for_new_pending_announcements_alone(local: Synthesis) -> None:
    mapping = local.resource("AWS::Lambda::EventSourceMapping", path="Function-announce/").properties
    [pattern] = mapping["FilterCriteria"]["Filters"]
    assert json.loads(pattern["Pattern"]) == {
        "eventName": ["INSERT"],
        "dynamodb": {"NewImage": {"due_pk": {"S": ["PENDING"]}}},
    }
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["MaximumRetryAttempts"] == 10
    assert "Abandoned" in mapping["DestinationConfig"]["OnFailure"]["Destination"]


def test_the_stream_wakes_the_publisher_for_runs_alone(local: Synthesis) -> None:
    mapping = local.resource("AWS::Lambda::EventSourceMapping", path="Function-publish-state/").properties
    [pattern] = mapping["FilterCriteria"]["Filters"]
    assert json.loads(pattern["Pattern"]) == {
        "eventName": ["INSERT", "MODIFY"],
        "dynamodb": {"NewImage": {"sk": {"S": ["RUN"]}}},
    }
    assert "Abandoned" in mapping["DestinationConfig"]["OnFailure"]["Destination"]


def test_ended_runs_of_this_deployment_alone_are_signed(local: Synthesis) -> None:
    pattern = _rule(local, "run-ended")["EventPattern"]
    assert pattern["source"] == ["dropforge"]
    assert pattern["detail"] == {
        "deployment": ["dropforge-local"],
        "status": ["COMPLETED", "FAILED", "STOPPED", "SUPERSEDED"],
    }
    assert "Queuesign" in _target(local, "run-ended")["Arn"]


def test_a_registration_that_cannot_be_called_is_kept(local: Synthesis) -> None:
    called = local.resource("AWS::Lambda::EventInvokeConfig", path="Function-register-image").properties
    assert "registerimage" in called["FunctionName"]
    assert "Abandoned" in called["DestinationConfig"]["OnFailure"]["Destination"]
    assert called["MaximumEventAgeInSeconds"] < 20 * 60


def test_job_states_of_this_deployment_alone_are_recorded(local: Synthesis) -> None:
    pattern = _rule(local, "job-state")["EventPattern"]
    assert pattern["source"] == ["aws.sagemaker"]
    assert pattern["detail"] == {"TrainingJobName": [{"prefix": "dropforge-local-"}]}


def test_failed_pipelines_of_this_deployment_alone_are_recorded(local: Synthesis) -> None:
    pattern = _rule(local, "build-failed")["EventPattern"]
    assert pattern["source"] == ["aws.codepipeline"]
    assert pattern["detail"] == {"state": ["FAILED"], "pipeline": [{"prefix": "dropforge-local-"}]}


@pytest.mark.parametrize(
    ("tick", "rate", "queue"),
    [
        ("dispatch-tick", "rate(1 minute)", "Queuedispatch"),
        ("seal-tick", "rate(1 minute)", "Queueseal"),
        ("sweep-tick", "rate(15 minutes)", "Queuesweep"),
    ],
)
def test_a_schedule_looks_for_what_no_event_told_of(local: Synthesis, tick: str, rate: str, queue: str) -> None:
    assert _rule(local, tick)["ScheduleExpression"] == rate
    assert queue in _target(local, tick)["Arn"]


def test_what_eventbridge_cannot_deliver_is_kept(local: Synthesis) -> None:
    rules = local.resources("AWS::Events::Rule")
    assert len(rules) == 6
    for rule in rules:
        [target] = rule.properties["Targets"]
        assert "Undelivered" in target["DeadLetterConfig"]["Arn"]
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == 24 * 3600


def test_each_dead_letter_and_each_failing_function_raises_an_alarm(local: Synthesis) -> None:
    watched = [
        dimension["Value"]
        for alarm in local.resources("AWS::CloudWatch::Alarm")
        for dimension in alarm.properties["Dimensions"]
    ]
    for queue in local.resources("AWS::SQS::Queue"):
        assert queue.properties["QueueName"] in watched
    for module in FUNCTIONS:
        assert f"dropforge-local-{_dashed(module)}" in watched
    assert local.resource("AWS::CloudWatch::Dashboard").properties["DashboardName"] == "dropforge-local"


def test_an_alarm_tells_when_nothing_is_started_or_healed_because_no_tick_comes(local: Synthesis) -> None:
    silent = [one.properties for one in local.resources("AWS::CloudWatch::Alarm", path="-silent")]
    assert {alarm["AlarmName"] for alarm in silent} == {
        "dropforge-local-dispatch-runs-silent",
        "dropforge-local-sweep-silent",
    }
    for alarm in silent:
        assert (alarm["MetricName"], alarm["TreatMissingData"]) == ("Invocations", "breaching")
        assert (alarm["ComparisonOperator"], alarm["Threshold"], alarm["Period"]) == ("LessThanThreshold", 1, 1800)


def test_the_command_line_finds_the_deployment_and_each_project(local: Synthesis) -> None:
    parameters = {one.properties["Name"]: one.properties["Value"] for one in local.resources("AWS::SSM::Parameter")}
    assert set(parameters) == {
        "/dropforge/local/connection",
        "/dropforge/local/deployment",
        "/dropforge/local/projects/digits",
        "/dropforge/local/projects/cancer",
    }
    assert json.loads(parameters["/dropforge/local/projects/cancer"])["on_data"] == "rebuild"
    deployment = json.loads(parameters["/dropforge/local/deployment"])
    assert deployment["stage"] == "local"
    assert "MetadataTrail" in deployment["trail_table"]


def test_the_public_key_is_asked_for_anew_when_the_signing_key_is_another_and_is_an_output(local: Synthesis) -> None:
    asked = local.resource("Custom::SigningPublicKey")
    function = local.resource("AWS::Lambda::Function", path="Function-give-public-key")
    assert function.logical_id in str(asked.properties["ServiceToken"])
    assert "SigningKey" in str(asked.properties["Key"])
    assert int(asked.properties["ServiceTimeout"]) == 300
    outputs = local.templates["dropforge-local-training"]["Outputs"]
    assert outputs["SigningPublicKey"]["Value"] == {"Fn::GetAtt": [asked.logical_id, "Pem"]}


def _dashed(module: str) -> str:
    return module.replace("_", "-")


def _function(synthesis: Synthesis, module: str) -> dict[str, Any]:
    return synthesis.resource("AWS::Lambda::Function", path=f"Function-{_dashed(module)}/").properties


def _rule(synthesis: Synthesis, name: str) -> dict[str, Any]:
    found: Resource = synthesis.resource("AWS::Events::Rule", path=f"Rule-{name}/")
    return found.properties


def _target(synthesis: Synthesis, rule: str) -> dict[str, Any]:
    [target] = _rule(synthesis, rule)["Targets"]
    assert isinstance(target, dict)
    return target


def test_the_command_for_dead_letters_knows_every_queue_that_holds_some(telling: Synthesis) -> None:
    names = {str(queue.properties["QueueName"]).removesuffix(".fifo") for queue in telling.resources("AWS::SQS::Queue")}
    holding = {name.removeprefix("dropforge-local-") for name in names if not _feeds_a_function(name)}
    assert holding == set(QUEUES)


def _feeds_a_function(queue: str) -> bool:
    return queue.removeprefix("dropforge-local-") in SOURCES


def test_queues_give_a_message_up_when_the_patience_with_it_is_over(local: Synthesis) -> None:
    """Whoever waits for the first time after the last try would wait for an hour for nothing."""
    tries = {queue.properties["RedrivePolicy"]["maxReceiveCount"] for queue in local.resources("AWS::SQS::Queue")
             if "RedrivePolicy" in queue.properties}  # fmt: skip
    assert tries == {len(PATIENCE) + 1}
