"""Two local AWS for the session: one that many tests use at once, and one for those that disturb whoever uses it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from demo.local_aws import LocalAws, LocalSession
from demo.workbench import Workbench
from dropforge.domain.run import Run
from dropforge.settings import deployment_name
from tests.e2e import removal
from tests.e2e.main_job import MainJob
from tests.journey.deployed_stage import Patience
from tests.local.outside import SECRETS, SINKS, OutsideProcess
from tests.local.sharing import Document, SharedByWorkers
from tests.local.story import Story
from tests.local.trial import ACCOUNT, REGION, LocalCodeHost, Trial

HERE = Path(__file__).parent
PATIENCE = Patience(build=480, run=300)
ONE_AFTER_ANOTHER = ("disturbed", "story", "trained")
"""Fixtures whose tests wait for each other anyway, and so keep one worker only."""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        needed = set(ONE_AFTER_ANOTHER).intersection(getattr(item, "fixturenames", ()))
        if needed and item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.xdist_group(min(needed, key=ONE_AFTER_ANOTHER.index)))


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> SharedByWorkers:
    """https://pytest-xdist.readthedocs.io/en/stable/how-to.html#making-session-scoped-fixtures-execute-only-once"""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "on-local-aws"
    folder.mkdir(exist_ok=True)
    return SharedByWorkers(folder)


@pytest.fixture(scope="session")
def deployed(shared: SharedByWorkers) -> Iterator[Trial]:
    """The stage of `trial.yaml`, deployed with the CDK's own command line, its connection still pending.

    It, its local AWS and the other systems that it tells of runs are started by whichever worker comes first; the last
    one stops them.
    """
    local, outside = LocalAws(shared.folder / "home", 0), OutsideProcess(shared.folder)

    def end() -> None:
        local.stop()
        outside.stop()

    with shared.in_use(last=end):
        trial = trial_of("trial", local, shared.started(local))
        shared.once("deployed", lambda: deploy(trial, sinks=sinks_of(trial, outside)))
        yield trial
        assert_all_delivered(trial)


@pytest.fixture(scope="session")
def trial(deployed: Trial, shared: SharedByWorkers) -> Trial:
    """The stage as it is after a first deployment. Each test keeps to a project of its own."""
    shared.once("connected", lambda: connect(deployed))
    return deployed


@pytest.fixture(scope="session")
def disturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    """A stage on a local AWS of its own, for tests that stop it, kill it or take from it what everybody needs.

    The code of the end-to-end test deploys it, and removes it however it was left.
    """
    local, said = LocalAws(tmp_path_factory.mktemp("disturbed") / "home", 0), list[str]()
    local.home.mkdir()
    with local.running() as environment:
        trial = trial_of("disturbed", local, environment)
        trial.configure((HERE / "disturbed.yaml").read_text())
        job = rehearsed(trial, said.append)
        with job.deployed():
            job.connect()
            local.confirm_subscriptions()
            yield trial
            assert_all_delivered(trial)
            jobs = [attempt.job_name for run in trial.runs(job.project) for attempt in run.attempts]
        assert_nothing_is_left(trial, jobs, said[-1])


@pytest.fixture(scope="session")
def lines(disturbed: Trial) -> Run:
    """A run of the project `lines` of the stage to disturb, which holds all that the end-to-end test asks of one."""
    return rehearsed(disturbed).train()


@pytest.fixture
def story(trial: Trial, shared: SharedByWorkers) -> Story:
    return Story(trial, shared)


def trial_of(stage: str, local: LocalAws, environment: Mapping[str, str]) -> Trial:
    """A stage of that name on a local AWS that runs; what belongs to it lies beside the local AWS's home."""
    folder = local.home.parent
    return Trial(
        bench=Workbench(stage, environment, folder / "commands.log"),
        code=LocalCodeHost(local),
        session=LocalSession(environment),
        scratch=folder,
        patience=PATIENCE,
        hint=f"(logs: {local.home}/server.log, {folder}/commands.log)",
        local=local,
        config=folder / f"{stage}.yaml",
    )


def sinks_of(trial: Trial, outside: OutsideProcess) -> str:
    """What the stage's file says of the other systems, which listen from now on and whose tokens are kept."""
    for name, token in SECRETS.items():
        trial.session.client("secretsmanager").create_secret(Name=name, SecretString=token)
    return SINKS.format(url=outside.start())


def deploy(trial: Trial, sinks: str = "") -> Document:
    trial.configure((HERE / trial.config.name).read_text() + sinks)
    trial.bench.bootstrap(ACCOUNT, REGION)
    trial.deploy()
    return {}


def connect(trial: Trial) -> Document:
    """Accept the connection and want the mails, as people do after a first deployment."""
    trial.local.accept_connection(trial.deployment.connection_arn)
    trial.local.confirm_subscriptions()
    return {}


def rehearsed(trial: Trial, say: Callable[[str], None] = print) -> MainJob:
    """The end-to-end test, with a local AWS in an account's place."""
    return MainJob(trial, trial.config, "lines", say, trial.local.accept_connection)


def assert_nothing_is_left(trial: Trial, jobs: Sequence[str], said: str) -> None:
    """Of a stage that was removed, but for what it was said of that it stays: its jobs among others."""
    assert removal.stacks(trial.session, trial.bench.stage) == []
    buckets = [each["Name"] for each in trial.aws.s3.list_buckets()["Buckets"]]
    assert [name for name in buckets if name.startswith(deployment_name(trial.bench.stage))] == []
    assert said.startswith("Left in the account:")
    assert [job for job in jobs if f"the training job {job}," not in said] == []


def assert_all_delivered(trial: Trial) -> None:
    undelivered = [line for line in trial.home.log.read_text().splitlines() if "could not deliver" in line]
    assert not undelivered, f"every event and every minute's tick reaches its queue, but {undelivered[0]}"
