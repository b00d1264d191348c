"""A deployed stage as its users see it: they push, drop and look; the same on the local AWS and on a real one."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

import boto3

from demo.stage import is_settled
from demo.workbench import BIN, Workbench
from dropforge.adapters import ssm
from dropforge.adapters.clients import AwsClients
from dropforge.bootstrap import wire
from dropforge.domain.head import ProjectHead
from dropforge.domain.image import Image
from dropforge.domain.notice import Notice
from dropforge.domain.run import RequesterKind, Run, RunStatus
from dropforge.settings import Deployment
from dropforge.workflow.ports import Ports
from tests.command import Answer, only, typed

PROGRAM = Path(__file__).parent / "program"
LEAST_PAUSE, LONGEST_PAUSE = 0.2, 1.0
PAUSED_SHARE = 0.1
"""Of what was waited for so far: who looks as often after a minute as after a second keeps busy what they wait for."""
Found = TypeVar("Found")
Document = dict[str, Any]


class CodeHost(Protocol):
    """GitHub, or what stands in for it."""

    def remote(self, repository: str) -> str:
        """The URL to push `owner/name` to."""
        ...


@dataclass(frozen=True)
class Patience:
    """How long things may take before a test gives up, in seconds."""

    build: float
    run: float


@dataclass(frozen=True)
class WorkingCopy:
    """A data scientist's clone, whose origin is the code host."""

    folder: Path
    bench: Workbench

    def write(self, **files: str) -> None:
        """Write files by name; `__` in a name stands for a dot."""
        for name, content in files.items():
            (self.folder / name.replace("__", ".")).write_text(content)

    def change(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        before = path.read_text()
        assert old in before, f"{file} does not say {old!r}"
        path.write_text(before.replace(old, new))

    def push(self, message: str, branch: str = "main") -> str:
        """Commit everything and push it to a branch; return the commit."""
        self.bench.git(self.folder, "add", "--all")
        self.bench.git(self.folder, "commit", "--quiet", "--allow-empty", "--message", message)
        self.bench.git(self.folder, "push", "--quiet", "origin", f"HEAD:{branch}")
        return self.bench.git(self.folder, "rev-parse", "HEAD").strip()


@dataclass(frozen=True)
class DeployedStage:
    """`scratch` is a folder for working copies; `hint` says where to look when something did not come."""

    bench: Workbench
    code: CodeHost
    session: boto3.Session
    scratch: Path
    patience: Patience
    hint: str = ""

    @cached_property
    def aws(self) -> AwsClients:
        return AwsClients(self.session)

    @cached_property
    def deployment(self) -> Deployment:
        return ssm.deployment(self.aws.ssm, self.bench.stage)

    @cached_property
    def ports(self) -> Ports:
        return wire(self.deployment, ssm.projects(self.aws.ssm, self.bench.stage), self.aws)

    # What people do.

    def clone(self, project: str, program: Path = PROGRAM) -> WorkingCopy:
        """A working copy of the project's repository whose next commit is the program and nothing else."""
        folder = self.scratch / project
        shutil.copytree(program, folder)
        self.bench.git(folder, "init", "--quiet", "--initial-branch", "main")
        declared = self.ports.stage.project(project)
        self.bench.git(folder, "remote", "add", "origin", self.code.remote(declared.repository))
        if self.bench.git(folder, "ls-remote", "--heads", "origin", declared.branch):
            self.bench.git(folder, "fetch", "--quiet", "origin", declared.branch)
            self.bench.git(folder, "reset", "--quiet", "--soft", "FETCH_HEAD")
        return WorkingCopy(folder, self.bench)

    def opened(self, project: str) -> WorkingCopy:
        """The working copy that `clone` made."""
        return WorkingCopy(self.scratch / project, self.bench)

    def put(self, key: str, content: bytes) -> str:
        """Drop an object into the training bucket; return its version."""
        answer = self.aws.s3.put_object(Bucket=self.deployment.training_bucket, Key=key, Body=content)
        return answer["VersionId"]

    def queue(self, name: str) -> str:
        """The URL of a queue of the stage."""
        return self.aws.sqs.get_queue_url(QueueName=f"{self.deployment.name}-{name}")["QueueUrl"]

    def send(self, queue: str, body: str) -> None:
        """Deliver a message to a queue of the stage."""
        self.aws.sqs.send_message(QueueUrl=self.queue(queue), MessageBody=body)

    def dropforge(self, *words: str) -> Answer:
        """Type a `dropforge` command."""
        return typed(words, only(self.bench.variables()))

    def program(self, *words: str) -> Answer:
        """Run `dropforge` as a program of its own, as a person's shell does: that starts Python anew."""
        done = subprocess.run(
            [BIN / "dropforge", *words], env=self.bench.variables(), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return Answer(done.returncode, done.stdout, done.stderr)

    # What they see.

    def head(self, project: str) -> ProjectHead:
        return self.ports.store.head(project)

    def runs(self, project: str) -> tuple[Run, ...]:
        """The newest first."""
        return self.ports.store.runs_of_project(project, 20)

    def run(self, run_id: str) -> Run:
        found = self.ports.store.run(run_id)
        assert found is not None, f"there is no run {run_id}"
        return found

    def notices(self) -> tuple[Notice, ...]:
        return self.ports.store.notices(100)

    def executions(self, project: str) -> list[Document]:
        """The executions of the project's pipeline, the newest first."""
        name = f"{self.deployment.name}-{project}"
        answer: Document = self.aws.codepipeline.list_pipeline_executions(pipelineName=name)  # type: ignore[assignment]
        summaries: list[Document] = answer["pipelineExecutionSummaries"]
        return summaries

    # What they wait for.

    def image_of(self, project: str, commit: str) -> Image:
        """Wait until the project's head is an image of the commit."""

        def look() -> Image | None:
            image = self.head(project).image
            if image is not None and image.commit == commit:
                return image
            failed = [each for each in self.executions(project) if _is_of(each, commit) and each["status"] == "Failed"]
            assert not failed, f"the pipeline of {project} failed at {commit[:12]}: {self._told(project)}"
            return None

        return self.eventually(look, f"an image of {project} built from {commit[:12]}", self.patience.build)

    def built(self, project: str, commit: str) -> Document:
        """Wait until the pipeline is through with a commit: image registered, and what that sets off on record."""

        def look() -> Document | None:
            found = [each for each in self.executions(project) if _is_of(each, commit)]
            return next((each for each in found if each["status"] in {"Succeeded", "Failed"}), None)

        return self.eventually(look, f"the end of the build of {commit[:12]} of {project}", self.patience.build)

    def pushed(self, project: str, message: str = "Train") -> Image:
        """Clone, push, and wait for the image."""
        return self.image_of(project, self.clone(project).push(message))

    def new_run(self, project: str, *known: str, seconds: float | None = None) -> Run:
        """Wait for a run that a push or a drop asked for, other than those known."""

        def look() -> Run | None:
            asked = (run for run in self.runs(project) if run.requester.kind is not RequesterKind.USER)
            return next((run for run in asked if run.id not in known), None)

        return self.eventually(look, f"a new run of {project}", seconds or self.patience.run)

    def settled(self, run_id: str) -> Run:
        """Wait until the run has ended or is held, and people were told of it."""

        def look() -> Run | None:
            run = self.run(run_id)
            over = run.status.is_terminal or run.status is RunStatus.HELD
            return run if over and run.announced else None

        return self.eventually(
            look, f"the end of run {run_id}", self.patience.run, lambda: f"it is {self.run(run_id).status.value}"
        )

    def completed(self, run_id: str) -> Run:
        """Wait until the run has completed."""
        run = self.settled(run_id)
        reason = (run.result and run.result.reason) or (run.held and run.held.reason)
        assert run.status is RunStatus.COMPLETED, f"run {run_id} is {run.status.value}: {reason}"
        return run

    def notice(self, fits: Callable[[Notice], bool], what: str, seconds: float | None = None) -> Notice:
        """Wait for a notice."""
        return self.eventually(
            lambda: next(filter(fits, self.notices()), None),
            f"a notice of {what}",
            seconds or self.patience.build,
            lambda: f"there are: {[each.subject for each in self.notices()]}",
        )

    def quiet(self, project: str) -> None:
        """Wait until every event on data was taken note of and nothing waits to be sealed: what had to start has."""

        def look() -> bool | None:
            return is_settled(self.aws, self.queue("ingest"), self.ports.store, project) or None

        self.eventually(look, f"the end of what drops on {project} set off", self.patience.run)

    def eventually(
        self,
        look: Callable[[], Found | None],
        what: str,
        seconds: float,
        otherwise: Callable[[], str] = lambda: "",
    ) -> Found:
        """Look until there is something; fail with what there is instead after that many seconds."""
        began = now = time.monotonic()
        while now < began + seconds:
            found = look()
            if found is not None:
                return found
            time.sleep(min(max(LEAST_PAUSE, PAUSED_SHARE * (now - began)), LONGEST_PAUSE))
            now = time.monotonic()
        raise AssertionError(f"{what}: not seen within {seconds:.0f} s; {otherwise()} {self.hint}")

    def _told(self, project: str) -> str:
        told = [each.sentence for each in self.notices() if each.project == project]
        return told[0] if told else "no notice tells of it yet"


def _is_of(execution: Document, commit: str) -> bool:
    return any(revision.get("revisionId") == commit for revision in execution.get("sourceRevisions", []))
