"""The runs that somebody asks for by what they know of them, the newest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice

from dropforge.domain.drop import ObjectName
from dropforge.domain.run import Run, RunRef, RunStatus
from dropforge.workflow.ports import Ports

PAGE = 100
"""Runs that are read at once where not each will be wanted."""
LOOKED_THROUGH = 2_000
"""Runs of all projects, at most, to find those that are wanted."""
DATASETS_LOOKED_AT = 8
"""The newest dataset versions that hold an object."""
_FULL_COMMIT = 40
_FULL_DIGEST = len("sha256:") + 64


@dataclass(frozen=True)
class RunFilter:
    """What is None, or empty, is not asked for. `commit` and `dataset` may be the beginning of one.

    `author` is a part of the claimed author, or of who asked, in any case of letters.
    """

    project: str | None = None
    statuses: frozenset[RunStatus] = frozenset()
    commit: str | None = None
    dataset: str | None = None
    data: ObjectName | None = None
    author: str | None = None
    since: datetime | None = None

    @property
    def takes_all(self) -> bool:
        return self == RunFilter(self.project)

    def admits(self, run: Run) -> bool:
        """All but the object, which no run names."""
        builds = (run.image.build, *run.also_built)
        return (
            self.project in {None, run.project}
            and (not self.statuses or run.status in self.statuses)
            and any(each.commit.startswith(self.commit or "") for each in builds)
            and run.dataset.version.startswith(self.dataset or "")
            and (self.since is None or run.requested_at >= self.since)
            and (self.author or "").lower() in f"{run.image.claimed_author} {run.requester.name}".lower()
        )


def list_runs(ports: Ports, asked: RunFilter, limit: int, before: RunRef | None = None) -> tuple[Run, ...]:
    """At most `limit`; those asked for before one of them, where it is given. UnknownProjectError.

    Asked for by commit, data or dataset version, the index of these is read; else a query a project and page, no
    further back than `since` and `LOOKED_THROUGH` runs.
    """
    found = _candidates(ports, asked, limit, before)
    if before is not None:
        found = (run for run in found if (run.requested_at, run.id) < (before.requested_at, before.id))
    return tuple(islice((run for run in found if asked.admits(run)), limit))


def list_unreadable_runs(ports: Ports, project: str | None, limit: int) -> tuple[RunRef, ...]:
    """Of the newest so many of each project, those whose records cannot be read. UnknownProjectError."""
    projects = ports.stage.projects if project is None else (ports.stage.project(project),)
    return tuple(ref for each in projects for ref in ports.store.unreadable_runs(each.name, limit))


def _candidates(ports: Ports, asked: RunFilter, limit: int, before: RunRef | None) -> Iterable[Run]:
    """A superset of what is wanted, the newest first."""
    projects = [each.name for each in ports.stage.projects]
    if asked.project is not None:
        projects = [ports.stage.project(asked.project).name]
    if asked.commit is not None and len(asked.commit) == _FULL_COMMIT:
        return ports.store.runs_of_commit(asked.commit)
    if asked.dataset is not None and len(asked.dataset) == _FULL_DIGEST:
        return _of_datasets(ports, [(project, asked.dataset) for project in projects])
    if asked.data is not None:
        return _of_object(ports, asked.data)
    page = limit if asked.takes_all else PAGE
    every = merge(*(_paged(ports, each, page, before) for each in projects), key=_age, reverse=True)
    recent = (run for run in every if asked.since is None or run.requested_at >= asked.since)
    return islice(recent, LOOKED_THROUGH)


def _paged(ports: Ports, project: str, page: int, before: RunRef | None) -> Iterator[Run]:
    while runs := ports.store.runs_of_project(project, page, before):
        yield from runs
        before = ref_of(runs[-1])


def _of_object(ports: Ports, data: ObjectName) -> Iterable[Run]:
    datasets = ports.store.datasets_of_object(data.bucket or ports.bucket.name, data.key, data.version_id)
    newest = sorted(datasets, key=lambda each: each.sealed_at, reverse=True)[:DATASETS_LOOKED_AT]
    return _of_datasets(ports, [(each.project, each.version) for each in newest])


def _of_datasets(ports: Ports, datasets: list[tuple[str, str]]) -> Iterable[Run]:
    runs = [run for project, version in datasets for run in ports.store.runs_of_dataset(project, version)]
    return sorted(runs, key=_age, reverse=True)


def ref_of(run: Run) -> RunRef:
    return RunRef(run.id, run.project, run.requested_at, run.status)


def _age(run: Run) -> tuple[datetime, str]:
    return run.requested_at, run.id
