"""What a pipeline test needs around its pipeline: repository, connection, bucket, roles, a function that logs jobs."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from localaws.githost import create
from localaws.home import Home
from tests.localaws.local_server import LocalServer, eventually, run_command

_FUNCTION = """
import json
def handler(event, context):
    print("JOB " + json.dumps(event))
"""
FINISHED = {"Succeeded", "Failed", "Stopped", "Superseded", "Cancelled"}


@dataclass
class WorkingCopy:
    """A clone in which a data scientist works."""

    path: Path
    remote: Path

    def write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (self.path / name).parent.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(text, encoding="utf-8")

    def commit(self, message: str, files: Mapping[str, str]) -> str:
        self.write(files)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").stdout.strip()

    def push(self, *refs: str) -> str:
        """Push, and return what the host said on standard error."""
        return self.git("push", "--quiet", str(self.remote), *refs).stderr

    def git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        identity = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in (
            ("NAME", "Ada Example"), ("EMAIL", "ada@example.org"))}  # fmt: skip
        environment = {**os.environ, **identity, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done


def working_copy(home: Home, folder: Path, repository: str) -> WorkingCopy:
    """A new, empty clone of a new repository `owner/name`."""
    remote = create(home, repository)
    folder.mkdir(parents=True, exist_ok=True)
    copy = WorkingCopy(folder, remote)
    copy.git("init", "--quiet", "--initial-branch=main")
    return copy


@dataclass
class World:
    """One pipeline's surroundings on a running local AWS; every name is its own."""

    server: LocalServer
    folder: Path
    name: str = field(default_factory=lambda: f"p{uuid.uuid4().hex[:8]}")

    @cached_property
    def pipelines(self) -> Any:
        return self.server.client("codepipeline")

    @cached_property
    def repository(self) -> str:
        return f"acme/{self.name}"

    @cached_property
    def copy(self) -> WorkingCopy:
        return working_copy(self.server.home, self.folder / self.name, self.repository)

    @cached_property
    def bucket(self) -> str:
        self.server.client("s3").create_bucket(Bucket=f"{self.name}-artifacts")
        return f"{self.name}-artifacts"

    @cached_property
    def key(self) -> str:
        arn: str = self.server.client("kms").create_key()["KeyMetadata"]["Arn"]
        return arn

    @cached_property
    def pending_connection(self) -> str:
        made = self.server.client("codeconnections").create_connection(ProviderType="GitHub", ConnectionName=self.name)
        arn: str = made["ConnectionArn"]
        return arn

    @cached_property
    def connection(self) -> str:
        run_command("connection", "accept", self.pending_connection, "--home", str(self.server.home.root))
        return self.pending_connection

    @cached_property
    def role(self) -> str:
        allowed: list[dict[str, Any]] = [
            {
                "Effect": "Allow",
                "Action": ["s3:PutObject", "s3:GetObject*"],
                "Resource": f"arn:aws:s3:::{self.bucket}/*",
            },
            {"Effect": "Allow", "Action": ["kms:GenerateDataKey*", "kms:Decrypt", "kms:Encrypt"], "Resource": self.key},
            {"Effect": "Allow", "Action": "codeconnections:UseConnection", "Resource": self.pending_connection},
            {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": self.function_arn},
        ]
        return self.server.role(f"{self.name}-pipeline", "codepipeline.amazonaws.com", *allowed)

    @cached_property
    def function_role(self) -> str:
        answers = {"Effect": "Allow", "Action": "codepipeline:PutJob*Result", "Resource": "*"}
        logs = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}
        return self.server.role(f"{self.name}-function", "lambda.amazonaws.com", answers, logs)

    @property
    def function_arn(self) -> str:
        return f"arn:aws:lambda:{self.server.region}:{self.server.account}:function:{self.name}"

    @cached_property
    def function(self) -> str:
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("index.py", _FUNCTION)
        self.server.client("lambda").create_function(
            FunctionName=self.name, Runtime="python3.12", Role=self.function_role, Handler="index.handler",
            Code={"ZipFile": code.getvalue()}, Timeout=30,
        )  # fmt: skip
        return self.name

    def declaration(self, **changes: Any) -> dict[str, Any]:
        """A V2 pipeline: the repository, then the function, which is told the commit."""
        source = action(
            "Source/CodeStarSourceConnection",
            {"ConnectionArn": self.connection, "FullRepositoryId": self.repository, "BranchName": "main"},
            outputs=["Source"],
        )
        invoke = action(
            "Invoke/Lambda",
            {"FunctionName": self.function, "UserParameters": '{"commit":"#{Source.CommitId}"}'},
            name="Register",
            inputs=["Source"],
        )
        return {
            "name": self.name,
            "roleArn": self.role,
            "artifactStore": {"type": "S3", "location": self.bucket, "encryptionKey": {"id": self.key, "type": "KMS"}},
            "pipelineType": "V2",
            "executionMode": "QUEUED",
            "stages": [{"name": "Source", "actions": [source]}, {"name": "Register", "actions": [invoke]}],
        } | changes

    def create(self, **changes: Any) -> str:
        """Create the pipeline and let its first execution, which finds no branch, fail; return its name."""
        self.pipelines.create_pipeline(pipeline=self.declaration(**changes))
        first = eventually(self.executions, "the execution that a new pipeline starts with")[0]
        self.finished(first["pipelineExecutionId"])
        return self.name

    def executions(self) -> list[dict[str, Any]]:
        """Every execution, newest first."""
        shown: list[dict[str, Any]] = self.pipelines.list_pipeline_executions(pipelineName=self.name)[
            "pipelineExecutionSummaries"
        ]
        return shown

    def execution(self, identifier: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.pipelines.get_pipeline_execution(
            pipelineName=self.name, pipelineExecutionId=identifier
        )["pipelineExecution"]
        return shown

    def finished(self, identifier: str) -> dict[str, Any]:
        """Wait until an execution has ended; return it."""

        def look() -> dict[str, Any] | None:
            shown = self.execution(identifier)
            return shown if shown["status"] in FINISHED else None

        return eventually(look, f"end of {identifier}")

    def start(self, **more: Any) -> str:
        identifier: str = self.pipelines.start_pipeline_execution(name=self.name, **more)["pipelineExecutionId"]
        return identifier

    def actions(self, identifier: str) -> list[dict[str, Any]]:
        """The action executions of an execution, newest first."""
        shown: list[dict[str, Any]] = self.pipelines.list_action_executions(
            pipelineName=self.name, filter={"pipelineExecutionId": identifier}
        )["actionExecutionDetails"]
        return shown

    def jobs(self) -> list[dict[str, Any]]:
        """Every job that the function was invoked with, oldest first."""
        logs = self.server.client("logs")
        try:
            events = logs.filter_log_events(logGroupName=f"/aws/lambda/{self.name}")["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        lines = [line for event in events for line in event["message"].splitlines() if "JOB {" in line]
        return [json.loads(line[line.index("JOB ") + 4 :])["CodePipeline.job"] for line in lines]

    def pushed(self, message: str = "Change the model", **files: str) -> tuple[str, str]:
        """Commit, push, and return the commit and the execution that it started."""
        commit = self.copy.commit(message, files or {"train.py": f"print({message!r})\n"})
        said = self.copy.push("main")
        started = re.search(rf"Started {self.name} \(([0-9a-f-]+)\)", said)
        assert started, said
        return commit, started[1]

    def job(self, number: int = 1) -> dict[str, Any]:
        """Wait for the function's n-th job."""
        return eventually(lambda: self.jobs()[number - 1 :], f"job {number} of {self.name}")[0]

    def answer(self, job: Mapping[str, Any], **result: Any) -> None:
        """Report a job as done, as the function's role."""
        self.answer_as(self.function_role, job, **result)

    def answer_as(self, role_arn: str, job: Mapping[str, Any], **result: Any) -> None:
        self.server.client("codepipeline", role_arn).put_job_success_result(jobId=job["id"], **result)


def action(
    kind: str,
    configuration: Mapping[str, str],
    *,
    name: str = "",
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
) -> dict[str, Any]:
    """One action of a pipeline's declaration; `kind` is category and provider, the name is its namespace too."""
    category, _, provider = kind.partition("/")
    return {
        "name": name or category,
        "namespace": name or category,
        "actionTypeId": {"category": category, "owner": "AWS", "provider": provider, "version": "1"},
        "configuration": dict(configuration),
        "inputArtifacts": [{"name": item} for item in inputs],
        "outputArtifacts": [{"name": item} for item in outputs],
    }
