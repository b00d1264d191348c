"""A real AWS account, and the repository on GitHub that the user lends."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import boto3

from demo.workbench import ROOT, Workbench
from dropforge.documents.stage_config import StageConfig, read_stage_config
from tests.e2e.main_job import MainJob
from tests.journey.deployed_stage import DeployedStage, Patience

REMOTE, YES = "DROPFORGE_E2E_REMOTE", "DROPFORGE_E2E_YES"
PATIENCE = Patience(build=1800, run=2700)
HANDSHAKE = """
The connection to GitHub is pending. In the AWS console, region {region}:
  Developer Tools > Settings > Connections > {name} > Update pending connection
  https://{region}.console.aws.amazon.com/codesuite/settings/connections
Install the GitHub app on the repository there. The test goes on by itself; it waits for 15 minutes.
"""


class CannotStartError(Exception):
    """Something that the end-to-end test needs is not there; the message says what to do."""


class AccountBench(Workbench):
    """Pushes with the user's own git configuration: it knows how to reach the user's repository."""

    def git(self, folder: Path, *arguments: str, shown: bool = False) -> str:
        del shown
        return self.output(["git", "-C", folder, *arguments])


@dataclass(frozen=True)
class LentRepository:
    """The user's repository, at the URL that the user pushes to."""

    url: str

    def remote(self, repository: str) -> str:
        if not self.url.removesuffix(".git").endswith(repository):
            raise CannotStartError(f"{REMOTE} is {self.url}, and the project's repository is {repository}.")
        return self.url


def on_account(stage: str, scratch: Path) -> tuple[MainJob, StageConfig]:
    """The main job of a stage on the account that the ordinary AWS settings lead to; CannotStartError."""
    config = ROOT / "config" / f"{stage}.yaml"
    found = read_stage_config(config)
    url = os.environ.get(REMOTE)
    if not url:
        raise CannotStartError(
            f"Set {REMOTE} to the URL of a GitHub repository made for this test, to which you may push: its content is "
            f"replaced. Name it in {config} as a project's `repository`."
        )
    if found.removal != "destroy":
        raise CannotStartError(f"{config} says `removal: {found.removal}`: the test removes what it deploys.")
    names = [each.name for each in found.projects() if url.removesuffix(".git").endswith(each.repository)]
    if not names:
        raise CannotStartError(f"No project of {config} has the repository {url}: name it as owner/name.")
    session = boto3.Session(region_name=found.region)
    given = {name: value for name, value in os.environ.items() if name.startswith(("AWS_", "GIT_", "SSH_"))}
    environment = {**given, "AWS_REGION": found.region}
    deployed = DeployedStage(
        bench=AccountBench(stage, environment, scratch / "commands.log"),
        code=LentRepository(url),
        session=session,
        scratch=scratch,
        patience=PATIENCE,
        hint=f"(log: {scratch}/commands.log)",
    )

    def ask_for_handshake(_connection: str) -> None:
        print(HANDSHAKE.format(region=found.region, name=deployed.deployment.name), flush=True)

    return MainJob(deployed, config, names[0], lambda text: print(text, flush=True), ask_for_handshake), found


def agreed(bill: str) -> bool:
    """Whether the user, told the cost, wants it; without a terminal the environment has to say so."""
    print(bill, flush=True)
    if os.environ.get(YES):
        return True
    try:
        return input("Go on? [y/N] ").strip().lower() in {"y", "yes"}
    except (EOFError, OSError):
        return False
