"""The event that CodeBuild publishes when a build's status changes.

https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-notifications.html#sample-build-notifications-ref
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from localaws.codebuild.build import Record
from localaws.runtime import Runtime


def publish_state(runtime: Runtime, record: Record) -> None:
    """Publish "CodeBuild Build State Change" for a record as it stands."""
    phases = [_phase(phase) for phase in record["phases"]]
    logs = record["logs"]
    detail = {
        "build-status": record["buildStatus"],
        "project-name": record["projectName"],
        "build-id": record["arn"],
        "current-phase": record["currentPhase"],
        "current-phase-context": "[]",
        "version": "1",
        "additional-information": {
            "artifact": {"location": record.get("artifacts", {}).get("location", "")},
            "build-complete": record["buildComplete"],
            "build-number": record["buildNumber"],
            "build-start-time": shown(record["startTime"]),
            "cache": record["cache"],
            "environment": _environment(record["environment"]),
            "initiator": record["initiator"],
            "logs": {
                "group-name": logs["groupName"],
                "stream-name": logs["streamName"],
                "deep-link": logs["deepLink"],
            },
            "phases": phases,
            "queued-timeout-in-minutes": record["queuedTimeoutInMinutes"],
            "source": {
                "type": record["source"]["type"],
                **({"location": record["source"]["location"]} if record["source"].get("location") else {}),
            },
            "source-version": record.get("sourceVersion", ""),
            "timeout-in-minutes": record["timeoutInMinutes"],
        },
    }
    runtime.publish("aws.codebuild", "CodeBuild Build State Change", detail, [record["arn"]])


def shown(time: dt.datetime) -> str:
    """Return a time as CodeBuild's events write it: "Sep 1, 2017 4:12:29 PM"."""
    return f"{time:%b} {time.day}, {time.year} {time.hour % 12 or 12}:{time:%M:%S %p}"


def _phase(phase: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"phase-type": phase["phaseType"], "start-time": shown(phase["startTime"])}
    if "phaseStatus" in phase:
        contexts = [f"{context['statusCode']}: {context['message']}" for context in phase.get("contexts", [])]
        found |= {
            "phase-status": phase["phaseStatus"],
            "phase-context": contexts,
            "end-time": shown(phase["endTime"]),
            "duration-in-seconds": phase.get("durationInSeconds", 0),
        }
    return found


def _environment(environment: dict[str, Any]) -> dict[str, Any]:
    return {
        "image": environment["image"],
        "compute-type": environment["computeType"],
        "type": environment["type"],
        "privileged-mode": environment.get("privilegedMode", False),
        "image-pull-credentials-type": environment.get("imagePullCredentialsType", "CODEBUILD"),
        "environment-variables": environment.get("environmentVariables", []),
    }
