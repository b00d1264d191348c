"""Image registry and pipelines in memory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from dropforge.domain.head import Rebuild
from dropforge.domain.image import image_tag
from dropforge.workflow.ports import (
    BuildFailure,
    BusyError,
    Clock,
    ConnectionPendingError,
    PushedImage,
    TaggedImage,
)


class MemoryBuilds:
    """Implements `ports.ImageRegistry` and `ports.Pipelines`; a test plays the build."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.pushed: dict[tuple[str, str], PushedImage] = {}
        self.executions: dict[tuple[str, str], datetime] = {}
        self.rebuilds: dict[str, str] = {}
        """Execution ids by client token."""
        self.failures: dict[str, BuildFailure] = {}
        self.connection_pending = False
        self.busy = False
        self.asked = 0
        """How often a build was asked for, in vain or not."""
        self.broken: dict[str, Exception] = {}
        """What the start of a build fails with, by project."""
        self.retried: list[str] = []
        """Executions whose registration was asked for again; a test then plays it."""
        self.overtaken: set[str] = set()

    def start(self, project: str, execution_id: str) -> None:
        """A push started a pipeline execution."""
        self.executions[project, execution_id] = self._clock.now()

    def push(self, project: str, commit: str, execution_id: str, digest: str) -> PushedImage:
        """The execution's build pushed an image."""
        repository = f"dropforge-test/{project}"
        image = PushedImage(repository, digest, f"registry/{repository}@{digest}", self._clock.now())
        self.pushed[project, image_tag(commit, execution_id)] = image
        return image

    def pushed_image(self, project: str, tag: str) -> PushedImage | None:
        return self.pushed.get((project, tag))

    def holds(self, project: str, digest: str) -> bool:
        return any(owner == project and image.digest == digest for (owner, _), image in self.pushed.items())

    def pushed_since(self, project: str, since: datetime) -> Iterator[TaggedImage]:
        for (owner, tag), image in self.pushed.items():
            if owner == project and image.pushed_at >= since:
                yield TaggedImage(tag, image.digest, image.pushed_at)

    def retry_registration(self, project: str, execution_id: str) -> bool:  # noqa: ARG002
        if execution_id in self.overtaken:
            return False
        self.retried.append(execution_id)
        return True

    def start_rebuild(self, rebuild: Rebuild) -> str:
        self.asked += 1
        if self.connection_pending:
            raise ConnectionPendingError("complete the connection in the console under Developer Tools, Connections")
        if self.busy:
            raise BusyError("Rate exceeded", throttled=True)
        if rebuild.project in self.broken:
            raise self.broken[rebuild.project]
        token = f"{rebuild.project}/{rebuild.client_token}"
        if token not in self.rebuilds:
            self.rebuilds[token] = f"execution-{len(self.rebuilds) + 1}"
            self.start(rebuild.project, self.rebuilds[token])
        return self.rebuilds[token]

    def started_at(self, project: str, execution_id: str) -> datetime:
        return self.executions[project, execution_id]

    def why_failed(self, project: str, execution_id: str) -> BuildFailure:  # noqa: ARG002
        return self.failures[execution_id]
