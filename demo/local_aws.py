"""The local AWS as the demo handles it: started, given its git repositories and stopped, each by its command."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import botocore.session

from demo.workbench import ROOT, CommandFailedError


@dataclass(frozen=True)
class LocalAws:
    """One local AWS by its home folder; `python -m localaws` does the work."""

    home: Path
    port: int

    def start(self) -> dict[str, str]:
        """Start it, or find it running; return the environment to use it with."""
        exports = self._command("up", "--port", str(self.port))
        pairs = (
            line.removeprefix("export ").partition("=") for line in exports.splitlines() if line.startswith("export ")
        )
        return {name: value for name, _, value in pairs}

    def stop(self) -> None:
        """Stop it and everything that it runs."""
        self._command("down")

    @contextmanager
    def running(self) -> Iterator[dict[str, str]]:
        """It runs within the block, and is stopped however the block ends."""
        try:
            yield self.start()
        finally:
            self.stop()

    def accept_connection(self, connection: str) -> None:
        """What a person does in AWS's console to complete a connection's handshake with GitHub."""
        self._command("connection", "accept", connection)

    def confirm_subscriptions(self) -> None:
        """What each person does who gets the mail that asks whether they want the mails."""
        self._command("subscription", "confirm")

    def create_repository(self, name: str) -> str:
        """Make a bare repository `owner/name`, the local stand-in for one on GitHub; return the URL to push to."""
        return self._command("git", "create", name).strip()

    def show_mail(self, address: str, last: int) -> None:
        """Print the last e-mails that someone got, as their reader would see them."""
        sys.stdout.write(self._command("mail", address, "--last", str(last)))

    def _command(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "localaws", *arguments, "--home", str(self.home)],
            cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = done.stderr.strip()
        if done.returncode:
            raise CommandFailedError(
                f"`python -m localaws {' '.join(arguments)}` exited with {done.returncode}: {said}"
            )
        if said:
            print(f"  {said}", flush=True)
        return done.stdout


class LocalSession(boto3.Session):
    """Reaches one local AWS, whatever the environment of this process says."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        profile = {"profile": (None, None, None, None)}  # one that AWS_PROFILE names need not be on this machine
        super().__init__(
            botocore_session=botocore.session.Session(profile),
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=environment["AWS_REGION"],
        )
        self._endpoint = environment["AWS_ENDPOINT_URL"]

    def client(self, *given: Any, **named: Any) -> Any:
        return super().client(*given, **{"endpoint_url": self._endpoint, **named})
