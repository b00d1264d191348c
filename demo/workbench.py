"""The tools that a person would use, each a command of its own, pointed at one AWS."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv" / "bin"
AWS = ROOT / ".tools" / "codebuild" / "bin" / "aws"
EXAMPLES_PYTHON = ROOT / ".tools" / "examples" / "bin" / "python"
CDK = ROOT / "node_modules" / ".bin" / "cdk"
NODE_PATH = ROOT / ".tools" / "node-path"
ANY = re.compile("")
CDK_MILESTONE = re.compile(r"^ *[✅❌]|FAILED|ROLLBACK|Total time")


class CommandFailedError(Exception):
    """A command that had to succeed did not; the message names it, its exit code and where its output is."""


@dataclass(frozen=True)
class Workbench:
    """Commands with the environment that points them at one AWS.

    stage: which `config/<stage>.yaml` was deployed; environment: the AWS_* variables; log: where output that is not
    shown goes.
    """

    stage: str
    environment: Mapping[str, str]
    log: Path

    def bootstrap(self, account: str, region: str) -> None:
        """Let the CDK prepare an account and region, away from this tree's app: it would synthesize it for nothing."""
        print(f"  $ cdk bootstrap aws://{account}/{region}", flush=True)
        self._show([CDK, "bootstrap", f"aws://{account}/{region}"], only=CDK_MILESTONE, folder=self.log.parent)

    def cdk(self, *arguments: str) -> None:
        """Run the CDK command line on this tree's app; milestones are shown, every resource event is in the log."""
        print(f"  $ cdk {shlex.join(arguments)} -c stage={self.stage}", flush=True)
        options = ["-c", f"stage={self.stage}", "--output", str(self.assembly)]
        self._show([CDK, *arguments, *options], only=CDK_MILESTONE)

    def cdk_again(self, *arguments: str) -> None:
        """Run the CDK command line on what `cdk` synthesized last: synthesizing takes seconds."""
        print(f"  $ cdk {shlex.join(arguments)} --app cdk.out", flush=True)
        self._show([CDK, *arguments, "--app", str(self.assembly)], only=CDK_MILESTONE)

    @property
    def assembly(self) -> Path:
        """https://docs.aws.amazon.com/cdk/v2/guide/deploy.html (the cloud assembly)"""
        return self.log.parent / "cdk.out"

    def show(self, *arguments: str, check: bool = True) -> int:
        """Run `dropforge …` for the reader to see; return its exit code."""
        print(f"  $ dropforge {shlex.join(arguments)}", flush=True)
        return self._show([BIN / "dropforge", *arguments], check=check)

    def ask(self, *arguments: str) -> Any:
        """Run `dropforge … --json` and return what it answered."""
        return json.loads(self.output([BIN / "dropforge", *arguments, "--json"]))

    def aws(self, *arguments: str) -> Any:
        """Run the AWS command line for the reader to see; return its JSON answer, if it gave one."""
        print(f"  $ aws {shlex.join(arguments)}", flush=True)
        # Version 1 of the AWS command line forgets AWS_ENDPOINT_URL for SQS in us-east-1: it is said as an option too.
        endpoint = self.environment.get("AWS_ENDPOINT_URL")
        options = ["--endpoint-url", endpoint] if endpoint else []
        answer = self.output([AWS, *options, *arguments, "--output", "json"])
        return json.loads(answer) if answer.strip() else None

    def git(self, folder: Path, *arguments: str, shown: bool = False) -> str:
        """Run git in a folder, as the example's author, whatever this machine's git is configured to do."""
        if shown:
            print(f"  $ git {shlex.join(arguments)}", flush=True)
        identity = {
            "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_AUTHOR_NAME": "Ada Lovelace", "GIT_AUTHOR_EMAIL": "ada@example.com",
            "GIT_COMMITTER_NAME": "Ada Lovelace", "GIT_COMMITTER_EMAIL": "ada@example.com",
        }  # fmt: skip
        return self.output(["git", "-C", folder, *arguments], **identity)

    def variables(self, **extra: str) -> dict[str, str]:
        """The environment that commands run in: this process's, without what would point them elsewhere."""
        node = NODE_PATH.read_text() if NODE_PATH.exists() else ""
        path = os.pathsep.join(filter(None, [str(BIN), node, os.environ.get("PATH", "")]))
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GIT_"))}
        own = {"PATH": path, "DROPFORGE_STAGE": self.stage, "CDK_DISABLE_CLI_TELEMETRY": "true"}
        return {**inherited, **own, **self.environment, **extra}

    def _show(
        self, command: Sequence[str | Path], *, check: bool = True, only: re.Pattern[str] = ANY, folder: Path = ROOT
    ) -> int:
        """Run a command whose output the reader sees as it comes, as far as it matches, and the log keeps whole."""
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ {_text(command)}\n")
            child = subprocess.Popen(
                list(map(str, command)), cwd=folder, env=self.variables(), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
            )  # fmt: skip
            with child:
                assert child.stdout is not None  # noqa: S101  (Popen was given a pipe)
                for line in child.stdout:
                    log.write(line)
                    if only.search(line):
                        print(f"  {line.rstrip()}", flush=True)
        if check and child.returncode:
            raise CommandFailedError(
                f"`{_text(command)}` exited with {child.returncode} (all of its output: {self.log})"
            )
        return child.returncode

    def output(self, command: Sequence[str | Path], **extra: str) -> str:
        """Run a command and return what it wrote to standard output; its errors go to the log and the exception."""
        done = subprocess.run(
            list(map(str, command)), cwd=ROOT, env=self.variables(**extra), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ {_text(command)}\n{done.stderr}")
        if done.returncode:
            said = "\n".join(done.stderr.strip().splitlines()[-6:])
            raise CommandFailedError(f"`{_text(command)}` exited with {done.returncode}:\n{said}")
        return done.stdout


def _text(command: Sequence[str | Path]) -> str:
    """The command as a person would type it: programs by name, not by where set-up put them."""
    return shlex.join([Path(command[0]).name, *map(str, command[1:])])
