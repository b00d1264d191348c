"""One local AWS a test process: tests share it and keep apart by the names that they choose."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.localaws.local_server import LocalServer, run_command, start


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """Yield a running local AWS; stop it, and everything that it runs, after the last test."""
    root = tmp_path_factory.mktemp("localaws")
    server = start(root)
    try:
        yield server
    finally:
        run_command("down", "--home", str(root))
