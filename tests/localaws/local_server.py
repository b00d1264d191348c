"""A local AWS of its own for a test session, on a free port, in a folder of its own."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.config import Config

from localaws.home import Home
from localaws.processes import started_at
from localaws.shapes import violations

ROOT = Path(__file__).resolve().parents[2]
OURS = ("sagemaker", "codebuild", "codepipeline", "codeconnections")
"""The services that are not the emulator's; each of their responses is checked in every test."""
_Found = TypeVar("_Found")
_MAKING = threading.Lock()


@dataclass(frozen=True)
class LocalServer:
    """A running local AWS, as a user has it after `python -m localaws up`."""

    home: Home
    environment: Mapping[str, str]

    @property
    def endpoint(self) -> str:
        return self.environment["AWS_ENDPOINT_URL"]

    @property
    def region(self) -> str:
        return self.environment["AWS_REGION"]

    @property
    def account(self) -> str:
        return "000000000000"

    def client(self, service: str, role_arn: str | None = None) -> Any:
        """Return a boto3 client as the account's root user, or as a role."""
        keys = {
            "aws_access_key_id": self.environment["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": self.environment["AWS_SECRET_ACCESS_KEY"],
        }
        if role_arn is not None:
            assumed = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
            keys = {
                "aws_access_key_id": assumed["AccessKeyId"],
                "aws_secret_access_key": assumed["SecretAccessKey"],
                "aws_session_token": assumed["SessionToken"],
            }
        return _client(service, self.endpoint, self.region, *sorted(keys.items()))

    def role(self, name: str, service: str, *statements: Mapping[str, Any]) -> str:
        """Create a role that a service may assume and that may do what the statements say; return its ARN."""
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy([trust]))["Role"]["Arn"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="allowed", PolicyDocument=_policy(list(statements)))
        return arn


@functools.cache
def _client(service: str, endpoint: str, region: str, *keys: tuple[str, str]) -> Any:
    """Make a client once, and in one session: loading the model of a service takes longer than most tests."""
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, proxies={})
    with _MAKING:  # https://boto3.amazonaws.com/v1/documentation/api/latest/guide/session.html: no thread shares one
        client = _session().client(service, region, endpoint_url=endpoint, config=config, **dict(keys))
    if service in OURS:
        client.meta.events.register("before-parse", _check_response)
    return client


@functools.cache
def _session() -> Any:
    return boto3.session.Session()


def _check_response(operation_model: Any, response_dict: dict[str, Any], **_: Any) -> None:
    """Fail where a response is not what botocore's model of the service says; its parser would let it pass.

    Only that a list may be empty, whatever the model says of its length: AWS itself answers "buildsNotFound": [].
    """
    if response_dict["status_code"] == 200:
        found = violations(json.loads(response_dict["body"] or b"{}"), operation_model.output_shape)
        found = [violation for violation in found if not violation.startswith("Value '[]' at ")]
        assert not found, f"{operation_model.name}: {found}"


def start(root: Path) -> LocalServer:
    """Start a server on a free port through the command line, as a user does."""
    shown = run_command("up", "--home", str(root), "--port", "0")
    exports = (line.removeprefix("export ").split("=", 1) for line in shown.splitlines())
    return LocalServer(Home(root), dict(exports))


def kill(root: Path) -> None:
    """End a server as `kill -9` does, and wait until it is gone."""
    pid = json.loads((root / "server.json").read_text())["pid"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not started_at(pid), "the end of the killed server")


def run_command(*arguments: str) -> str:
    """Run `python -m localaws …`; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "localaws", *arguments],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def eventually(look: Callable[[], _Found | None], what: str, seconds: float = 20.0) -> _Found:
    """Look until something is found; fail, saying what was awaited, when the time is over."""
    deadline, pause = time.monotonic() + seconds, 0.02
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(pause)
        pause = min(1.3 * pause, 0.25)  # a look costs the server about as much as what is awaited
    raise AssertionError(f"{what}: not seen within {seconds:.0f} s")


def _policy(statements: list[Mapping[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})
