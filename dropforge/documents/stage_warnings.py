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
LONG_LOCK_DAYS = 3653
"""Ten years: what is locked for longer was hardly meant, and nobody can take it back."""


def stage_warnings(path: Path) -> tuple[Problem, ...]:
    """Of a configuration that can be used, in the order of its lines. Raises DocumentError for one that cannot."""
    source = read(path)
    found = _found(check(source, StageConfig))
    return tuple(
        sorted(Problem(source.name, source.line_of(location), what, remedy) for location, what, remedy in found)
    )


def _found(config: StageConfig) -> Iterator[tuple[Location, str, str]]:
    yield from _of_the_stage(config)
    yield from _of_projects(config)


def _of_the_stage(config: StageConfig) -> Iterator[tuple[Location, str, str]]:
    if config.removal == "retain" and config.account is None:
        yield (
            ("account",),
            "`account` is not named, so this stage, which is to stay, goes to whichever account deploys it",
            'name yours: account: "123456789012"',
        )
    if config.audit.lock_days is not None and config.audit.lock_days > LONG_LOCK_DAYS:
        yield (
            ("audit", "lock_days"),
            f"nobody can remove what is signed for {config.audit.lock_days} days, and a lock is never shortened",
            f"write at most {LONG_LOCK_DAYS}, unless that is meant",
        )
    if not config.ops.mail:
        yield ("ops", "mail"), "`ops.mail` is empty, so alarms reach nobody", "name who is to get them: [ops@your.org]"


def _of_projects(config: StageConfig) -> Iterator[tuple[Location, str, str]]:
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
