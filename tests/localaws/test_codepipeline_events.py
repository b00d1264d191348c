from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.localaws.local_server import LocalServer, eventually
from tests.localaws.pipeline_world import World

pytestmark = pytest.mark.local


@pytest.fixture
def world(local_aws: LocalServer, tmp_path: Path) -> World:
    return World(local_aws, tmp_path)


class _Listener:
    """A queue that gets every event of one pipeline."""

    def __init__(self, world: World) -> None:
        self._sqs = world.server.client("sqs")
        self._url = self._sqs.create_queue(QueueName=world.name)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allowed = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
        }
        self._sqs.set_queue_attributes(
            QueueUrl=self._url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [allowed]})}
        )
        events = world.server.client("events")
        pattern = {"source": ["aws.codepipeline"], "detail": {"pipeline": [world.name]}}
        events.put_rule(Name=world.name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=world.name, Targets=[{"Id": "queue", "Arn": arn}])
        self.heard: list[dict[str, Any]] = []

    def until(self, subject: str, state: str) -> dict[str, Any]:
        """Listen until a `Pipeline`, `Stage` or `Action` reports a state; return that event."""

        def look() -> dict[str, Any] | None:
            for message in self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages", []):
                self.heard.append(json.loads(message["Body"]))
            return next((event for event in self.heard if self._is(event, subject, state)), None)

        return eventually(look, f"{subject} {state}")

    def _is(self, event: dict[str, Any], subject: str, state: str) -> bool:
        kind = f"CodePipeline {subject} Execution State Change"
        return bool(event["detail-type"] == kind and event["detail"]["state"] == state)


def test_events_of_a_push_carry_the_commit_and_no_trigger_type(world: World) -> None:
    world.create()
    listener = _Listener(world)
    commit, identifier = world.pushed("Add a model")

    event = listener.until("Pipeline", "STARTED")

    assert event["source"] == "aws.codepipeline"
    assert event["resources"] == [f"arn:aws:codepipeline:{world.server.region}:{world.server.account}:{world.name}"]
    assert event["detail"]["execution-id"] == identifier
    trigger = event["detail"]["execution-trigger"]
    assert "trigger-type" not in trigger
    assert (trigger["commit-id"], trigger["branch-name"]) == (commit, "main")
    assert (trigger["full-repository-name"], trigger["connection-arn"]) == (world.repository, world.connection)
    assert (trigger["author-display-name"], trigger["commit-message"]) == ("Ada Example", "Add a model")


def test_each_action_and_stage_reports_its_start_and_its_end(world: World) -> None:
    world.create()
    listener = _Listener(world)
    commit, _ = world.pushed()
    world.answer(world.job(), executionDetails={"summary": "registered"})
    listener.until("Pipeline", "SUCCEEDED")
    listener.until("Stage", "SUCCEEDED")

    actions = [event["detail"] for event in listener.heard if "Action" in event["detail-type"]]
    ended = {item["action"]: item for item in actions if item["state"] == "SUCCEEDED"}
    assert {(item["action"], item["state"]) for item in actions} == {
        ("Source", "STARTED"), ("Source", "SUCCEEDED"), ("Register", "STARTED"), ("Register", "SUCCEEDED"),
    }  # fmt: skip
    assert ended["Source"]["execution-result"]["external-execution-id"] == commit
    assert ended["Source"]["output-artifacts"][0]["s3location"]["bucket"] == world.bucket
    assert ended["Register"]["execution-result"]["external-execution-summary"] == "registered"
    assert ended["Register"]["type"] == {"category": "Invoke", "owner": "AWS", "provider": "Lambda", "version": "1"}


def test_a_failed_pipelines_event_gives_no_reason_and_its_actions_event_does(world: World) -> None:
    world.create()
    listener = _Listener(world)
    world.pushed()
    world.pipelines.put_job_failure_result(
        jobId=world.job()["id"], failureDetails={"type": "JobFailed", "message": "No such project."}
    )

    failed = listener.until("Pipeline", "FAILED")
    action = listener.until("Action", "FAILED")

    assert "No such project." not in json.dumps(failed)
    assert action["detail"]["execution-result"] == {
        "external-execution-summary": "No such project.", "error-code": "JobFailed",
    }  # fmt: skip
