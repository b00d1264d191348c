"""The programs that all builds of a local AWS share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from localaws.codebuild.tools import prepare


def test_builds_that_begin_at_once_find_the_tools_whole(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as builds:
        list(builds.map(lambda number: prepare(tmp_path / str(number // 8)), range(400)))
    for folder in tmp_path.iterdir():
        assert {"docker", "pip", "pip3", "packages"} <= {each.name for each in folder.iterdir()}
