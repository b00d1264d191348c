"""One local AWS for the session, started and deployed to by whichever worker comes first; the last one stops it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.local_aws import LocalAws
from demo.workbench import Workbench
from tests.journey.deployed_stage import Patience
from tests.local.outside import CONFIG as SINKS
from tests.local.outside import SECRETS, OutsideProcess
from tests.local.sharing import Document, SharedByWorkers
from tests.local.story import Story
from tests.local.trial import ACCOUNT, REGION, LocalCodeHost, LocalSession, Trial

CONFIG = Path(__file__).parent / "stage.yaml"
PATIENCE = Patience(build=240, run=150)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> SharedByWorkers:
    """https://pytest-xdist.readthedocs.io/en/stable/how-to.html#making-session-scoped-fixtures-execute-only-once"""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "on-local-aws"
    folder.mkdir(exist_ok=True)
    return SharedByWorkers(folder)


@pytest.fixture(scope="session")
def deployed(shared: SharedByWorkers) -> Iterator[Trial]:
    """The stage of `stage.yaml`, deployed with the CDK's own command line, its connection still pending."""
    local = LocalAws(shared.folder / "home", 0)
    outside = OutsideProcess(shared.folder)

    def end() -> None:
        outside.stop()
        local.stop()

    with shared.in_use(last=end):
        environment = shared.started(local)
        trial = Trial(
            bench=Workbench("trial", environment, shared.folder / "commands.log"),
            code=LocalCodeHost(local),
            session=LocalSession(environment),
            scratch=shared.folder,
            patience=PATIENCE,
            hint=f"(logs: {local.home}/server.log, {shared.folder}/commands.log)",
            local=local,
            config=shared.folder / "stage.yaml",
        )
        shared.once("deployed", lambda: deploy(trial, outside))
        yield trial
        undelivered = [line for line in trial.home.log.read_text().splitlines() if "could not deliver" in line]
        assert not undelivered, f"every event and every minute's tick reaches its queue, but {undelivered[0]}"


def deploy(trial: Trial, outside: OutsideProcess) -> Document:
    """With both sinks switched on, to a process that listens before anything is told."""
    trial.config.write_text(CONFIG.read_text() + SINKS.format(url=outside.start()))
    for name, token in SECRETS.items():
        trial.session.client("secretsmanager").create_secret(Name=name, SecretString=token)
    trial.bench.bootstrap(ACCOUNT, REGION)
    trial.deploy()
    return {}


@pytest.fixture(scope="session")
def connected(deployed: Trial, shared: SharedByWorkers) -> Trial:
    """The connection accepted and the mails wanted, as people do after a first deployment."""

    def connect() -> Document:
        deployed.local.accept_connection(deployed.deployment.connection_arn)
        deployed.local.confirm_subscriptions()
        return {}

    shared.once("connected", connect)
    return deployed


@pytest.fixture
def trial(connected: Trial, shared: SharedByWorkers, request: pytest.FixtureRequest) -> Iterator[Trial]:
    """The stage, for a test among others; or alone, for one marked `alone` because it disturbs what all use."""
    with shared.turn(alone=request.node.get_closest_marker("alone") is not None):
        yield connected


@pytest.fixture
def story(trial: Trial, shared: SharedByWorkers) -> Story:
    return Story(trial, shared)
