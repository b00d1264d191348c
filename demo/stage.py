"""A deployed stage and the data scientists' repositories in it: what the demo's steps act on and wait for."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from demo.local_aws import LocalAws
from demo.workbench import ROOT, Workbench

Found = TypeVar("Found")
Document = dict[str, Any]

PIPELINE_SECONDS = 180.0
RUN_SECONDS = 90.0
LOOK_EVERY_SECONDS = 0.5


class NotSeenError(Exception):
    """What a step waited for did not come; the message says what, and where to look."""


@dataclass(frozen=True)
class Pipeline:
    """How a pipeline's latest execution stands: the status of each stage that it has come to."""

    name: str
    execution: str
    stages: dict[str, str]

    def __str__(self) -> str:
        return f"{self.name}: " + " → ".join(f"{stage} {status}" for stage, status in self.stages.items())

    def raise_if_failed(self) -> None:
        if "Failed" in self.stages.values():
            raise NotSeenError(f"the execution {self.execution} of {self.name} failed: `dropforge notices` says why")


@dataclass(frozen=True)
class Stage:
    """One deployed stage on the local AWS.

    scratch: a folder for working copies and data, which may be deleted when the demo has ended.
    """

    bench: Workbench
    local: LocalAws
    scratch: Path

    def deploy(self) -> None:
        """Bootstrap and deploy with the CDK command line, and do what people do on a first deployment.

        The connection to GitHub comes before the pipelines that use it, each of which starts as soon as it is there.
        """
        account = self.bench.aws("sts", "get-caller-identity", shown=False)["Account"]
        self.bench.bootstrap(account, self.bench.environment["AWS_REGION"])
        self.bench.cdk("deploy", f"dropforge-{self.bench.stage}-foundation", "--require-approval", "never")
        self.local.accept_connection(self.connection())
        self.bench.cdk_again("deploy", "--all", "--require-approval", "never", "--concurrency", "4")
        self.local.confirm_subscriptions()

    def connection(self) -> str:
        """The ARN of the stage's connection to GitHub."""
        connections = self.bench.aws("codeconnections", "list-connections", shown=False)["Connections"]
        name = f"dropforge-{self.bench.stage}"
        [arn] = [str(each["ConnectionArn"]) for each in connections if each["ConnectionName"] == name]
        return arn

    def deployment(self) -> Document:
        """The names of the stage's resources, as the stack published them."""
        name = f"/dropforge/{self.bench.stage}/deployment"
        answer = self.bench.aws("ssm", "get-parameter", "--name", name, shown=False)
        document: Document = json.loads(answer["Parameter"]["Value"])
        return document

    def clone(self, example: str) -> Path:
        """Copy `examples/<example>` into a git repository of its own, whose origin is the local stand-in for GitHub."""
        copy = self.scratch / example
        shutil.copytree(ROOT / "examples" / example, copy)
        self.bench.git(copy, "init", "--quiet", "--initial-branch", "main")
        self.bench.git(copy, "remote", "add", "origin", self.local.create_repository(f"example/{example}"))
        return copy

    def push(self, copy: Path, message: str) -> str:
        """Commit everything in a working copy and push it; return the commit."""
        self.bench.git(copy, "add", "--all")
        self.bench.git(copy, "commit", "--quiet", "--message", message, shown=True)
        self.bench.git(copy, "push", "--quiet", "origin", "main", shown=True)
        return self.bench.git(copy, "rev-parse", "HEAD").strip()

    def put(self, file: Path, key: str) -> Document:
        """Put a file into the training bucket, as plainly as S3 allows; return S3's answer (VersionId, ETag)."""
        bucket = self.deployment()["training_bucket"]
        answer: Document = self.bench.aws("s3api", "put-object", "--bucket", bucket, "--key", key, "--body", str(file))
        return answer

    def execution(self, project: str) -> str:
        """The pipeline's latest execution; "" where there was none yet."""
        return self._pipeline(project).execution

    def new_image(self, project: str, before: str) -> Document:
        """Wait for the image of an execution later than `before`, telling how that stands; return it as recorded."""
        told = ""

        def look() -> Document | None:
            nonlocal told
            now = self._pipeline(project)
            if now.execution == before:
                return None
            told = self._tell(str(now), told)
            now.raise_if_failed()
            [standing] = [each for each in self.bench.ask("projects") if each["project"]["name"] == project]
            image: Document | None = standing["head"].get("image")
            return image if image and image["execution_id"] == now.execution else None

        image = self._await(f"a new image of {project}", PIPELINE_SECONDS, look)
        self._tell(str(self._pipeline(project)), told)
        return image

    def new_run(self, project: str, known: set[str], seconds: float = RUN_SECONDS) -> str:
        """Wait for a run of the project that was not known before; return its id, and count it as known."""

        def look() -> str | None:
            return next((run["id"] for run in self.bench.ask("runs", project) if run["id"] not in known), None)

        run = self._await(f"a new run of {project}", seconds, look)
        known.add(run)
        return run

    def run(self, run: str) -> Document:
        """The run's whole record."""
        [record] = [each for each in self.bench.ask("runs") if each["id"] == run]
        document: Document = record
        return document

    def _pipeline(self, project: str) -> Pipeline:
        name = f"dropforge-{self.bench.stage}-{project}"
        state = self.bench.aws("codepipeline", "get-pipeline-state", "--name", name, shown=False)
        latest = [(stage["stageName"], stage.get("latestExecution", {})) for stage in state["stageStates"]]
        execution = latest[0][1].get("pipelineExecutionId", "")
        # the stages that the execution has not come to yet still show how the one before left them
        stages = {stage: at["status"] for stage, at in latest if at.get("pipelineExecutionId") == execution}
        return Pipeline(name, execution, stages)

    def _tell(self, now: str, told: str) -> str:
        if now != told:
            print(f"  {now}", flush=True)
        return now

    def _await(self, what: str, seconds: float, look: Callable[[], Found | None]) -> Found:
        """Look until there is something; raise NotSeenError after that many seconds."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            found = look()
            if found is not None:
                return found
            time.sleep(LOOK_EVERY_SECONDS)
        raise NotSeenError(
            f"{what} did not appear within {seconds:.0f} s: see {self.bench.log} and {self.local.home}/server.log"
        )
