"""The record of one build: what BatchGetBuilds shows, changed by the thread that runs it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]
IN_PROGRESS, SUCCEEDED, FAILED, FAULT, STOPPED, TIMED_OUT = (
    "IN_PROGRESS", "SUCCEEDED", "FAILED", "FAULT", "STOPPED", "TIMED_OUT",
)  # fmt: skip


class PhaseFailedError(Exception):
    """A phase failed; `status` and the message are what the phase's context shows."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status


class BuildEndedError(Exception):
    """A build was stopped, or ran out of time, in the middle of what it was doing."""


@dataclass(frozen=True)
class ArtifactPlace:
    """Where an artifact goes, and how S3 is told to encrypt it."""

    bucket: str
    key: str
    encryption: Mapping[str, Any] = field(default_factory=dict)
    packaging: str = "ZIP"


@dataclass(frozen=True)
class BuildRequest:
    """What a build runs on, beyond its record: where the sources lie and where the artifacts go."""

    source: Mapping[str, str]
    """{"type": NO_SOURCE | S3 | CODEPIPELINE, and for the others "bucket" and "key"}."""
    secondary_sources: Mapping[str, Mapping[str, str]]
    artifacts: Mapping[str, ArtifactPlace]
    """By the artifact's name; the only one under "" if the project has a single artifact."""


@dataclass
class Build:
    """A record, its request, and the ways to interrupt it."""

    record: Record
    project: Record
    request: BuildRequest
    lock: threading.RLock
    ended: threading.Event = field(default_factory=threading.Event)
    stop_requested: threading.Event = field(default_factory=threading.Event)

    @property
    def id(self) -> str:
        return str(self.record["id"])

    def begin_phase(self, name: str) -> None:
        with self.lock:
            self.record["currentPhase"] = name
            self.record["phases"].append({"phaseType": name, "startTime": now()})

    def end_phase(self, status: str, code: str = "", message: str = "") -> None:
        """Close the current phase; AWS always gives one context, empty where nothing happened."""
        with self.lock:
            phase = self.record["phases"][-1]
            phase |= {
                "phaseStatus": status,
                "endTime": now(),
                "durationInSeconds": round((now() - phase["startTime"]).total_seconds()),
                "contexts": [{"statusCode": code, "message": message}],
            }

    def finish(self, status: str) -> None:
        with self.lock:
            self.record |= {
                "buildStatus": status, "currentPhase": "COMPLETED", "endTime": now(), "buildComplete": True,
            }  # fmt: skip
            self.record["phases"].append({"phaseType": "COMPLETED", "startTime": now()})
        self.ended.set()


def interrupted(record: Record) -> None:
    """Close a build that a stopped server left behind: it did not succeed, and says why."""
    for phase in record["phases"]:
        phase.setdefault("phaseStatus", FAULT)
        phase.setdefault("endTime", now())
    context = {"statusCode": "INTERNAL_SERVICE_ERROR", "message": "The local AWS was stopped during the build."}
    record["phases"][-1].setdefault("contexts", [context])
    record |= {"buildStatus": FAULT, "currentPhase": "COMPLETED", "endTime": now(), "buildComplete": True}


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
