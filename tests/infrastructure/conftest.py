"""One synthesis of each stage for the whole session; Node.js, which the CDK starts at import, is put on PATH."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from app import ROOT, put_node_on_path
from tests.infrastructure.synthesis import Synthesis, synthesize

put_node_on_path()


HERE = Path(__file__).parent
SINKS = """
sinks:
  openlineage: { url: "https://lineage.example.com", token_secret: dropforge/lineage }
  github_status:
    token_secret: "arn:aws:secretsmanager:us-east-1:000000000000:secret:dropforge/github-Ab12Cd"
"""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep these tests in one process, however many there are: each would make syntheses of its own."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.xdist_group("infrastructure"))


@pytest.fixture(scope="session")
def synthesis_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Synthesis]:
    """The synthesis of the stage's own configuration file."""

    @cache
    def synthesis(stage: str) -> Synthesis:
        return synthesize(ROOT / "config" / f"{stage}.yaml", tmp_path_factory.mktemp(stage))

    return synthesis


@pytest.fixture(scope="session")
def local(synthesis_of: Callable[[str], Synthesis]) -> Synthesis:
    """Two projects, removed as a whole."""
    return synthesis_of("local")


@pytest.fixture(scope="session")
def prod(synthesis_of: Callable[[str], Synthesis]) -> Synthesis:
    """One project, kept."""
    return synthesis_of("prod")


@pytest.fixture(scope="session")
def telling(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """The local stage with every sink switched on."""
    folder = tmp_path_factory.mktemp("telling")
    config = folder / "local.yaml"
    config.write_text((ROOT / "config" / "local.yaml").read_text("utf-8") + SINKS, encoding="utf-8")
    return synthesize(config, folder / "out")
