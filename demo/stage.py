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
class Stage:
    """One deployed stage on the local AWS.

    scratch: a folder for working copies and data, which may be deleted when the demo has ended.
    """

    bench: Workbench
    local: LocalAws
    scratch: Path

    def deploy(self) -> None:
        """Bootstrap and deploy with the CDK command line, then do what people do after a first deployment."""
        account = self.bench.aws("sts", "get-caller-identity", shown=False)["Account"]
        self.bench.bootstrap(account, self.bench.environment["AWS_REGION"])
        self.bench.cdk("deploy", "--all", "--require-approval", "never", "--concurrency", "4")
        self.local.accept_connection(self.deployment()["connection_arn"])
        self.local.confirm_subscriptions()

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

    def image_of(self, project: str, commit: str) -> Document:
        """Wait until the project's head is an image built from the commit, telling how the pipeline stands."""
        told = ""

        def look() -> Document | None:
            nonlocal told
            told = self._tell(self._pipeline(project, commit), told)
            if "Register" not in told:
                return None
            [standing] = [each for each in self.bench.ask("projects") if each["project"]["name"] == project]
            image: Document | None = standing["head"].get("image")
            return image if image and image["commit"] == commit else None

        return self._await(f"an image of {project} built from {commit[:12]}", PIPELINE_SECONDS, look)

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

    def _pipeline(self, project: str, commit: str) -> str:
        """How the pipeline stands with the commit, in one line; it raises NotSeenError once it failed."""
        name = f"dropforge-{self.bench.stage}-{project}"
        state = self.bench.aws("codepipeline", "get-pipeline-state", "--name", name, shown=False)
        stages = {stage["stageName"]: stage.get("latestExecution", {}).get("status") for stage in state["stageStates"]}
        if "Failed" in stages.values():
            raise NotSeenError(f"the pipeline {name} failed at {commit[:12]}: `dropforge notices` says why")
        return f"{name}: " + " → ".join(f"{stage} {status}" for stage, status in stages.items() if status)

    def _tell(self, now: str, told: str) -> str:
        if now and now != told:
            print(f"  {now}", flush=True)
        return now or told

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
