"""What CodePipeline remembers: pipelines, their executions, each action's executions, and jobs handed to Lambda.

Times are seconds since the epoch, so that a record is JSON as it stands; `instant` turns one into what an API answers.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

_PIPELINES, _JOBS = "pipelines/", "jobs/"
FINISHED = frozenset({"Succeeded", "Failed", "Stopped", "Superseded", "Cancelled"})


def now() -> float:
    """The present moment, in seconds since the epoch."""
    return time.time()


def instant(seconds: float) -> datetime:
    """The same moment as a datetime in UTC."""
    return datetime.fromtimestamp(seconds, tz=UTC)


def new_id() -> str:
    """An identifier as CodePipeline makes them."""
    return str(uuid.uuid4())


@dataclass
class Job:
    """One request to a Lambda function, open until the function answers or `deadline` passes."""

    id: str
    pipeline: str
    execution_id: str
    action_execution_id: str
    deadline: float
    status: str = "InProgress"  # InProgress | Succeeded | Failed | Continued
    continuation_token: str | None = None
    summary: str = ""
    external_id: str = ""
    output_variables: dict[str, str] = field(default_factory=dict)
    failure: dict[str, str] = field(default_factory=dict)


@dataclass
class ActionExecution:
    """One attempt at one action."""

    id: str
    stage: str
    action: str
    type_id: dict[str, str]
    configuration: dict[str, str]
    role_arn: str
    region: str
    pipeline_version: int
    namespace: str | None = None
    started: float = field(default_factory=now)
    updated: float = field(default_factory=now)
    status: str = "InProgress"  # InProgress | Succeeded | Failed | Abandoned
    updated_by: str = ""
    resolved_configuration: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, dict[str, str]] = field(default_factory=dict)  # artifact name -> {"bucket", "key"}
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    external_id: str = ""
    external_summary: str = ""
    external_url: str = ""
    log_stream_arn: str = ""
    error_code: str = ""
    error_message: str = ""
    job_id: str | None = None


@dataclass
class StageExecution:
    """How far one execution came in one stage."""

    name: str
    status: str = "InProgress"  # InProgress | Succeeded | Failed | Stopped | Stopping | Cancelled
    attempt: int = 0  # how often it was retried
    retry_trigger: str = ""
    begun_at: int = 0  # position in the execution's actions from which attempts count, moved when all are retried


@dataclass
class Execution:
    """One execution of a pipeline."""

    id: str
    pipeline: str
    pipeline_version: int
    mode: str
    trigger: dict[str, str]
    variables: dict[str, str]
    revisions: dict[str, str] = field(default_factory=dict)  # source action -> commit to take instead of the branch's
    branches: dict[str, str] = field(default_factory=dict)  # source action -> branch that was pushed
    push: dict[str, str] = field(default_factory=dict)  # what the repository said about the push that started it
    client_token: str | None = None
    number: int = 0  # rises with every execution of the pipeline: the order of arrival
    started: float = field(default_factory=now)
    updated: float = field(default_factory=now)
    status: str = "InProgress"
    summary: str = ""
    waiting_for: str | None = None  # the stage at whose door it waits
    stop_reason: str | None = None
    abandoned: bool = False
    stages: dict[str, StageExecution] = field(default_factory=dict)
    actions: list[ActionExecution] = field(default_factory=list)
    artifact_revisions: dict[str, dict[str, Any]] = field(default_factory=dict)  # artifact name -> revision

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen in it, unless a stage is retried."""
        return self.status in FINISHED

    def latest(self, stage: str, action: str) -> ActionExecution | None:
        """The last attempt at one action of this execution."""
        attempts = [item for item in self.actions if (item.stage, item.action) == (stage, action)]
        return attempts[-1] if attempts else None

    def artifacts(self) -> dict[str, dict[str, str]]:
        """Where each artifact that this execution has produced lies."""
        succeeded = [item for item in self.actions if item.status == "Succeeded"]
        return {name: location for item in succeeded for name, location in item.outputs.items()}

    def namespaces(self) -> dict[str, dict[str, str]]:
        """The variables that an action of this execution may refer to, by namespace."""
        known: dict[str, dict[str, str]] = {
            "codepipeline": {"PipelineExecutionId": self.id},
            "variables": self.variables,
        }
        for item in self.actions:
            if item.namespace and item.status == "Succeeded":
                known[item.namespace] = item.variables
        return known


@dataclass
class Pipeline:
    """One pipeline: its declarations by version, and the doors between its stages."""

    name: str
    arn: str
    declarations: dict[int, dict[str, Any]]
    tags: dict[str, str]
    created: float = field(default_factory=now)
    updated: float = field(default_factory=now)
    disabled: dict[str, dict[str, Any]] = field(default_factory=dict)  # "<stage>/<Inbound|Outbound>" -> reason, at, by
    occupants: dict[str, str] = field(default_factory=dict)  # stage -> the execution that is in it
    executions: dict[str, Execution] = field(default_factory=dict)

    @property
    def version(self) -> int:
        """The number of the current declaration."""
        return max(self.declarations)

    @property
    def declaration(self) -> dict[str, Any]:
        """The current declaration."""
        return self.declarations[self.version]

    @property
    def mode(self) -> str:
        """How executions treat each other; AWS's default is SUPERSEDED."""
        return str(self.declaration.get("executionMode", "SUPERSEDED"))

    def stage(self, name: str) -> dict[str, Any] | None:
        """One stage of the current declaration."""
        return next((stage for stage in self.declaration["stages"] if stage["name"] == name), None)

    def open_executions(self) -> list[Execution]:
        """Those that still run or wait, oldest first."""
        return sorted((item for item in self.executions.values() if not item.finished), key=lambda item: item.number)

    def newest_first(self) -> list[Execution]:
        """All executions, as the API lists them."""
        return sorted(self.executions.values(), key=lambda item: item.number, reverse=True)


def places(pipelines: Mapping[str, Pipeline], jobs: Mapping[str, Job]) -> dict[str, Pipeline | Job]:
    """Each thing of the memory by the place at which it is kept."""
    return {
        **{f"{_PIPELINES}{name}": pipeline for name, pipeline in pipelines.items()},
        **{f"{_JOBS}{identity}": job for identity, job in jobs.items()},
    }


def saved(pipelines: Mapping[str, Pipeline], jobs: Mapping[str, Job]) -> dict[str, Any]:
    """The whole memory as JSON, by place."""
    return {place: asdict(thing) for place, thing in places(pipelines, jobs).items()}


def loaded(state: Mapping[str, Any]) -> tuple[dict[str, Pipeline], dict[str, Job]]:
    """The memory that `saved` wrote."""
    pipelines = [_pipeline(record) for place, record in state.items() if place.startswith(_PIPELINES)]
    jobs = [Job(**record) for place, record in state.items() if place.startswith(_JOBS)]
    return {item.name: item for item in pipelines}, {item.id: item for item in jobs}


def _pipeline(record: Mapping[str, Any]) -> Pipeline:
    return Pipeline(
        **{
            **record,
            # JSON knows no number as a key.
            "declarations": {int(version): item for version, item in record["declarations"].items()},
            "executions": {key: _execution(item) for key, item in record["executions"].items()},
        }
    )


def _execution(record: Mapping[str, Any]) -> Execution:
    return Execution(
        **{
            **record,
            "stages": {name: StageExecution(**item) for name, item in record["stages"].items()},
            "actions": [ActionExecution(**item) for item in record["actions"]],
        }
    )
