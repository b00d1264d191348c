"""One local AWS a test process: tests share it and keep apart by the names that they choose."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localaws.local_server import LocalServer, run_command, start
from tests.localaws.training_world import TrainingWorld


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """Yield a running local AWS; stop it, and everything that it runs, after the last test."""
    root = tmp_path_factory.mktemp("localaws")
    server = start(root)
    try:
        yield server
    finally:
        run_command("down", "--home", str(root))


@pytest.fixture(scope="session")
def training(local_aws: LocalServer, tmp_path_factory: pytest.TempPathFactory) -> TrainingWorld:
    """Return what it takes to train on the shared local AWS; stubborn programs are killed after a second."""
    (local_aws.home.config / "sagemaker.json").write_text('{"StopGraceSeconds": 1}')
    return TrainingWorld.make(local_aws, tmp_path_factory.mktemp("image"))
