"""What an action is given to do its work with, and how it can end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from localaws.caller import Role, ServicePrincipal
from localaws.codepipeline.records import ActionExecution, Execution, Job, Pipeline
from localaws.runtime import Runtime


class ActionFailedError(Exception):
    """The action has failed: an error code of CodePipeline (JobFailed, ConfigurationError, …) and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class AbandonedError(Exception):
    """Someone stopped the execution without waiting for its actions."""


class ServerStopsError(Exception):
    """The server stops: the action stays in progress, to be taken up again when it starts."""


@dataclass
class Board:
    """What all threads of the service share; `changed` guards every record and tells of each change."""

    changed: threading.Condition
    pipelines: dict[str, Pipeline]
    jobs: dict[str, Job]


@dataclass(frozen=True)
class Work:
    """One attempt at one action. `record` says what was asked, and takes what came of it."""

    runtime: Runtime
    board: Board
    pipeline: Pipeline
    execution: Execution
    declaration: Mapping[str, Any]
    stage: str
    action: Mapping[str, Any]
    record: ActionExecution

    @property
    def configuration(self) -> Mapping[str, str]:
        """The configuration with its variables filled in."""
        return self.record.resolved_configuration

    @property
    def store(self) -> Mapping[str, Any]:
        """The artifact store: `location` (a bucket) and, optionally, `encryptionKey`."""
        store: Mapping[str, Any] = self.declaration["artifactStore"]
        return store

    def client(self, service: str) -> Any:
        """A client that acts as the action's role."""
        return self.assumed_role().client(service)

    def assumed_role(self) -> Role:
        """The action's role; one of its own must be assumable by the pipeline's."""
        own, pipelines = self.record.role_arn, self.declaration["roleArn"]
        if own != pipelines:
            with refused_in_words(f"The pipeline's role {pipelines} could not assume the action's role {own}"):
                self._role(pipelines).client("sts").assume_role(RoleArn=own, RoleSessionName=self.execution.id)
        return self._role(own)

    def _role(self, arn: str) -> Role:
        principal = ServicePrincipal("codepipeline.amazonaws.com", self.pipeline.arn)
        return self.runtime.caller.role(arn, self.execution.id, principal)

    def update(self, **changes: Any) -> None:
        """Change members of the record."""
        with self.board.changed:
            for member, value in changes.items():
                setattr(self.record, member, value)
            self.record.updated = time.time()
        self.runtime.services["codepipeline"].keep()

    def wait(self, done: Callable[[], bool], poll: float = 0.2, deadline: float | None = None) -> bool:
        """Wait until `done` holds, asking at every change and every `poll` seconds; False if `deadline` passed."""
        while not done():
            self._leave_if_told()
            if deadline is not None and time.time() >= deadline:
                return False
            with self.board.changed:
                self.board.changed.wait(poll)
        # What ended because the server stops has not ended for the pipeline.
        self._leave_if_told()
        return True

    def pause(self, seconds: float) -> None:
        """Wait for a while, unless told to leave."""
        until = time.time() + seconds
        self.wait(lambda: time.time() >= until)

    def _leave_if_told(self) -> None:
        if self.runtime.stopping.is_set():
            raise ServerStopsError
        if self.execution.abandoned:
            raise AbandonedError


@contextmanager
def refused_in_words(what: str) -> Iterator[None]:
    """Turn an AWS error inside into the action's failure; `what` says what was being done."""
    try:
        yield
    except ClientError as error:
        code, said = error.response["Error"]["Code"], error.response["Error"]["Message"]
        kind = "PermissionError" if code in {"AccessDenied", "AccessDeniedException"} else "ConfigurationError"
        raise ActionFailedError(kind, f"{what}: {said} ({code})") from error
