"""What tests of builds share: projects with a role of their own, builds run to their end, logs."""

from __future__ import annotations

import io
import json
import textwrap
import uuid
import zipfile
from collections.abc import Mapping
from typing import Any

from tests.localaws.local_server import LocalServer, eventually

LOGS = {
    "Effect": "Allow",
    "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
    "Resource": "*",
}


class Yard:
    """Makes projects whose names no other test has."""

    def __init__(self, server: LocalServer) -> None:
        self.server, self.codebuild = server, server.client("codebuild")
        self.name = f"yard-{uuid.uuid4().hex[:10]}"
        server.client("s3").create_bucket(Bucket=self.name)

    def project(self, buildspec: str, *statements: Mapping[str, Any], log: bool = True, **settings: Any) -> str:
        """Create a project without source; its role may write logs, and what the statements say."""
        name = f"{self.name}-{uuid.uuid4().hex[:6]}"
        role = self.server.role(name, "codebuild.amazonaws.com", *([LOGS] if log else []), *statements)
        request: dict[str, Any] = {
            "name": name,
            "source": {"type": "NO_SOURCE", "buildspec": textwrap.dedent(buildspec)},
            "artifacts": {"type": "NO_ARTIFACTS"},
            "environment": {
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
            },
            "serviceRole": role,
        }
        self.codebuild.create_project(**{**request, **settings})
        return name

    def run(self, project: str, **request: Any) -> dict[str, Any]:
        """Run a build to its end; return its record."""
        build = self.codebuild.start_build(projectName=project, **request)["build"]["id"]
        return self.ended(build)

    def ended(self, build: str) -> dict[str, Any]:
        """Wait for a build's end; return its record."""

        def look() -> dict[str, Any] | None:
            found: dict[str, Any] = self.codebuild.batch_get_builds(ids=[build])["builds"][0]
            return found if found["buildStatus"] != "IN_PROGRESS" else None

        return eventually(look, f"the end of {build}", seconds=60)

    def output(self, build: Mapping[str, Any]) -> list[str]:
        """Return what the commands of a build printed, without CodeBuild's own lines."""
        lines = self.log(build)
        own = {line for line in lines if line.startswith("[Container]")}
        return [line for line in lines if line not in own]

    def log(self, build: Mapping[str, Any]) -> list[str]:
        """Return a build's whole log."""
        logs = build["logs"]
        events = self.server.client("logs").get_log_events(
            logGroupName=logs["groupName"], logStreamName=logs["streamName"], startFromHead=True, limit=10_000
        )
        return [event["message"] for event in events["events"]]

    def put_source(self, key: str, **files: str) -> dict[str, str]:
        """Put a zip into the yard's bucket; return the `source` that names it."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name, text in files.items():
                archive.writestr(name.replace("__", "."), textwrap.dedent(text))
        self.server.client("s3").put_object(Bucket=self.name, Key=key, Body=content.getvalue())
        return {"type": "S3", "location": f"{self.name}/{key}"}

    def may(self, *actions: str, resource: str = "*") -> dict[str, Any]:
        return {"Effect": "Allow", "Action": list(actions), "Resource": resource}


def phases(build: Mapping[str, Any]) -> dict[str, str]:
    """Return the status of each phase that ran."""
    return {phase["phaseType"]: phase.get("phaseStatus", "") for phase in build["phases"]}


def failure(build: Mapping[str, Any]) -> tuple[str, str]:
    """Return code and message of the first phase that failed."""
    failed = next(phase for phase in build["phases"] if phase.get("phaseStatus") not in {None, "SUCCEEDED"})
    return failed["contexts"][0].get("statusCode", ""), failed["contexts"][0].get("message", "")


def queue_of_events(server: LocalServer, name: str) -> str:
    """Return the URL of a queue that gets every event of CodeBuild."""
    url: str = server.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    arn = f"arn:aws:sqs:{server.region}:{server.account}:{name}"
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    server.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events = server.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["aws.codebuild"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    return url
