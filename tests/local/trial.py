"""The stage `trial` on the session's local AWS, with what only a local AWS lets one see: the mail, and its insides."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email.message import EmailMessage
from pathlib import Path

from demo.local_aws import LocalAws
from dropforge.documents.stage_config import read_stage_config
from dropforge.domain.run import Run
from dropforge.settings import deployment_name
from localaws.home import Home
from tests.journey.deployed_stage import DeployedStage

ACCOUNT, REGION = "000000000000", "us-east-1"
ADA, GRACE, OPS = "ada@example.com", "grace@example.com", "ops@example.com"
POINTS = b"0,1\n1,3\n2,5.1\n3,6.9\n"


@dataclass(frozen=True)
class LocalCodeHost:
    """The local stand-in for GitHub."""

    local: LocalAws

    def remote(self, repository: str) -> str:
        return self.local.create_repository(repository)


@dataclass(frozen=True, kw_only=True)
class Trial(DeployedStage):
    """`config` is the stage's file, a copy that a test may add to."""

    local: LocalAws
    config: Path

    @property
    def home(self) -> Home:
        return Home(self.local.home)

    def deploy(self) -> None:
        """Deploy the stage as its file now describes it."""
        never = ("--require-approval", "never")
        self.bench.cdk("deploy", "--all", *never, "--concurrency", "4", "-c", f"config={self.config}")

    def configure(self, config: str) -> None:
        """Write the stage's file, before the first deployment.

        What the first build of one project installs for the validator, those of the others find as second ones do: they
        differ in nothing else, and each would take seconds of a processor to find six packages in their index.
        """
        self.config.write_text(config)
        kept = self.home.builds / "cache"
        (kept / "of-all").mkdir(parents=True)
        for project in read_stage_config(self.config).projects():
            (kept / f"{deployment_name(self.bench.stage)}-{project.name}").symlink_to("of-all")

    def again(self) -> Trial:
        """The same stage, with nothing remembered of what it was."""
        return replace(self)

    def mails(self, address: str, about: str) -> list[str]:
        """Subject and text of each mail to an address that mentions something."""
        sent = [_read(file) for file in sorted(self.home.mail.glob("*.eml"))]
        texts = [f"{mail['Subject']}\n\n{mail.get_content()}" for mail in sent if mail["To"] == address]
        return [text for text in texts if about in text]

    def mail(self, address: str, about: str) -> str:
        """Wait for the one mail to an address that mentions something."""

        def look() -> list[str] | None:
            return self.mails(address, about) or None

        [mail] = self.eventually(look, f"a mail to {address} about {about}", self.patience.run)
        return mail

    def drop(self, project: str, content: bytes = POINTS, file: str = "points.csv") -> str:
        """Put a file where the project's training data goes; return its version."""
        return self.put(f"{project}/training/{file}", content)

    def trained(self, project: str) -> Run:
        """Push, drop, and wait for the model."""
        self.pushed(project)
        self.drop(project)
        return self.completed(self.new_run(project).id)

    @contextmanager
    def impatient(self, queue: str) -> Iterator[None]:
        """A message is given up when it has failed once, half a minute later: otherwise that takes five tries."""
        url = self.queue(queue)
        before = self.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]
        once = json.loads(before["RedrivePolicy"]) | {"maxReceiveCount": 1}
        self.aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": json.dumps(once)})
        try:
            yield
        finally:
            self.aws.sqs.set_queue_attributes(QueueUrl=url, Attributes=before)


def _read(file: Path) -> EmailMessage:
    return email.message_from_bytes(file.read_bytes(), _class=EmailMessage, policy=email.policy.default)
