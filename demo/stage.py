"""A deployed stage and the data scientists' repositories in it: what the demo's steps act on and wait for."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from demo.local_aws import LocalAws, LocalSession
from demo.workbench import ROOT, Workbench
from dropforge.adapters import ssm
from dropforge.adapters.clients import AwsClients
from dropforge.bootstrap import wire
from dropforge.domain.image import Image
from dropforge.domain.run import Run
from dropforge.settings import Deployment
from dropforge.workflow.ports import MetadataStore

Found = TypeVar("Found")
Document = dict[str, Any]

PIPELINE_SECONDS = 180.0
RUN_SECONDS = 90.0
LOOK_EVERY_SECONDS = 0.5
LATEST = 20
"""Runs of a project, more than the demo makes."""


class NotSeenError(Exception):
    """What a step waited for did not come; the message says what, and where to look."""


def is_settled(aws: AwsClients, ingest_queue: str, store: MetadataStore, project: str) -> bool:
    """Whether no event waits in the queue (its URL) or is worked on, and the prefix as a whole is not to be sealed."""
    counts = aws.sqs.get_queue_attributes(QueueUrl=ingest_queue, AttributeNames=["All"])["Attributes"]
    if (counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesNotVisible"]) != ("0", "0"):
        return False
    timer = store.seal_timer(project)
    return timer is None or timer.due is None


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
    """One deployed stage on the local AWS. What is only waited for is asked within this process, not by commands.

    scratch: a folder for working copies and data, which may be deleted when the demo has ended.
    """

    bench: Workbench
    local: LocalAws
    scratch: Path

    @cached_property
    def aws(self) -> AwsClients:
        return AwsClients(LocalSession(self.bench.environment))

    @cached_property
    def deployment(self) -> Deployment:
        """The names of the stage's resources, as its stacks published them."""
        return ssm.deployment(self.aws.ssm, self.bench.stage)

    @cached_property
    def store(self) -> MetadataStore:
        """The stage's record."""
        return wire(self.deployment, ssm.projects(self.aws.ssm, self.bench.stage), self.aws).store

    @cached_property
    def ingest_queue(self) -> str:
        """The URL of the queue to which S3 sends its events."""
        return self.aws.sqs.get_queue_url(QueueName=f"{self.deployment.name}-ingest")["QueueUrl"]

    def deploy(self) -> None:
        """Bootstrap and deploy with the CDK command line, and do what people do on a first deployment.

        The connection to GitHub comes before the pipelines that use it, each of which starts as soon as it is there.
        """
        account = self.aws.sts.get_caller_identity()["Account"]
        self.bench.bootstrap(account, self.bench.environment["AWS_REGION"])
        self.bench.cdk("deploy", f"dropforge-{self.bench.stage}-foundation", "--require-approval", "never")
        self.local.accept_connection(self.connection())
        self.bench.cdk_again("deploy", "--all", "--require-approval", "never", "--concurrency", "4")
        self.local.confirm_subscriptions()

    def connection(self) -> str:
        """The ARN of the stage's connection to GitHub."""
        connections = self.aws.codeconnections.list_connections()["Connections"]
        name = f"dropforge-{self.bench.stage}"
        [arn] = [each["ConnectionArn"] for each in connections if each["ConnectionName"] == name]
        return arn

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
        bucket = self.deployment.training_bucket
        answer: Document = self.bench.aws("s3api", "put-object", "--bucket", bucket, "--key", key, "--body", str(file))
        return answer

    def execution(self, project: str) -> str:
        """The pipeline's latest execution; "" where there was none yet."""
        return self._pipeline(project).execution

    def new_image(self, project: str, before: str) -> Image:
        """Wait for the image of an execution later than `before`, telling how that stands; return it as recorded."""
        told = ""

        def look() -> Image | None:
            nonlocal told
            now = self._pipeline(project)
            if now.execution == before:
                return None
            told = self._tell(str(now), told)
            now.raise_if_failed()
            image = self.store.head(project).image
            return image if image is not None and image.execution_id == now.execution else None

        image = self._await(f"a new image of {project}", PIPELINE_SECONDS, look)
        self._tell(str(self._pipeline(project)), told)
        return image

    def runs(self, project: str) -> tuple[Run, ...]:
        """The newest first."""
        return self.store.runs_of_project(project, LATEST)

    def new_run(self, project: str, known: set[str]) -> str:
        """Wait for a run of the project that was not known before; return its id, and count it as known."""

        def look() -> str | None:
            return next((run.id for run in self.runs(project) if run.id not in known), None)

        run = self._await(f"a new run of {project}", RUN_SECONDS, look)
        known.add(run)
        return run

    def settled(self, project: str) -> None:
        """Wait until every event on data was taken note of and nothing is left to seal: what had to start has."""

        def look() -> bool | None:
            return is_settled(self.aws, self.ingest_queue, self.store, project) or None

        self._await(f"the end of what drops on {project} set off", RUN_SECONDS, look)

    def run(self, run: str) -> Run:
        """The run as it is on record."""
        found = self.store.run(run)
        if found is None:
            raise NotSeenError(f"there is no run {run} on record")
        return found

    def _pipeline(self, project: str) -> Pipeline:
        name = f"dropforge-{self.bench.stage}-{project}"
        state: Document = self.aws.codepipeline.get_pipeline_state(name=name)  # type: ignore[assignment]
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
