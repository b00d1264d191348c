"""What a stage's configuration may say and its author hardly means: told in words, and no reason to refuse it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

from dropforge.documents.checking import check
from dropforge.documents.problems import Location, Problem
from dropforge.documents.source import read
from dropforge.documents.stage_config import StageConfig

PLACEHOLDER = "your-org/"
"""How the shipped configurations begin a repository's name that is to be replaced."""


def stage_warnings(path: Path) -> tuple[Problem, ...]:
    """Of a configuration that can be used, in the order of its lines. Raises DocumentError for one that cannot."""
    source = read(path)
    found = _found(check(source, StageConfig))
    return tuple(
        sorted(Problem(source.name, source.line_of(location), what, remedy) for location, what, remedy in found)
    )


def _found(config: StageConfig) -> Iterator[tuple[Location, str, str]]:
    if not config.ops.mail:
        yield ("ops", "mail"), "`ops.mail` is empty, so alarms reach nobody", "name who is to get them: [ops@your.org]"
    for name, project in config.project_parts.items():
        if project.repository.startswith(PLACEHOLDER):
            yield (
                ("projects", name, "repository"),
                f"`repository: {project.repository}` is a placeholder, which no push reaches",
                "write your own owner/name",
            )
    for (name, project), (other, also) in combinations(config.project_parts.items(), 2):
        same = (project.repository.lower(), project.branch) == (also.repository.lower(), also.branch)
        if same and (project.paths == also.paths or not (project.paths.include and also.paths.include)):
            yield (
                ("projects", other, "repository"),
                f"a push to {also.repository}, branch {also.branch}, builds both {name} and {other}",
                "keep them apart by `paths.include` or `branch`, unless that is meant",
            )
