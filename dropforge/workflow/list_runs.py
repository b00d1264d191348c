"""The runs that somebody asks for by what they know of them, the newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from heapq import merge

from dropforge.domain.drop import ObjectName
from dropforge.domain.run import Run, RunRef, RunStatus
from dropforge.workflow.ports import Ports

PAGE = 100
"""Runs that are read at once where not each will be wanted."""
LOOKED_THROUGH = 2_000
"""Runs, at most, that are read to find those that are wanted."""
DATASETS_LOOKED_AT = 8
"""The newest dataset versions that hold an object."""
_FULL_COMMIT = 40
_FULL_DIGEST = len("sha256:") + 64

Paged = Callable[[int, RunRef | None], tuple[Run, ...]]
"""The newest so many runs of something, asked for before that one."""


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

    @property
    def full_commit(self) -> str | None:
        return self.commit if self.commit is not None and len(self.commit) == _FULL_COMMIT else None

    @property
    def full_dataset(self) -> str | None:
        return self.dataset if self.dataset is not None and len(self.dataset) == _FULL_DIGEST else None

    @property
    def is_of_an_index(self) -> bool:
        """Whether an index gives the runs that are wanted one after the other, so that none is read in vain."""
        every = RunFilter(self.project, since=self.since)
        by_commit, by_dataset = replace(every, commit=self.full_commit), replace(every, dataset=self.full_dataset)
        return self in (every, by_commit, by_dataset, replace(every, data=self.data))

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


@dataclass(frozen=True)
class RunList:
    """The newest first. Where the search was given up before its end, `looked_until` is the last run it came to.

    `older_datasets` says that older dataset versions hold the object too, and that their runs were not looked at.
    """

    runs: tuple[Run, ...]
    looked_until: Run | None = None
    older_datasets: bool = False


def list_runs(ports: Ports, asked: RunFilter, limit: int, before: RunRef | None = None) -> RunList:
    """At most `limit`; those asked for before one of them, where it is given. UnknownProjectError.

    Asked for by commit, data or dataset version, the index of these is read; else a query a project and page. Either
    way no further back than `since`, and through `LOOKED_THROUGH` runs at most.
    """
    sources, older_datasets = _sources(ports, asked)
    page = limit if asked.is_of_an_index else PAGE
    found: list[Run] = []
    for looked_at, run in enumerate(_newest_of(sources, page, before), start=1):
        if asked.since is not None and run.requested_at < asked.since:
            break
        if asked.admits(run):
            found.append(run)
        if len(found) == limit:
            break
        if looked_at == LOOKED_THROUGH:
            return RunList(tuple(found), run, older_datasets)
    return RunList(tuple(found), None, older_datasets)


def list_unreadable_runs(ports: Ports, project: str | None, limit: int) -> tuple[RunRef, ...]:
    """Of the newest so many of each project, those whose records cannot be read. UnknownProjectError."""
    projects = ports.stage.projects if project is None else (ports.stage.project(project),)
    return tuple(ref for each in projects for ref in ports.store.unreadable_runs(each.name, limit))


def _sources(ports: Ports, asked: RunFilter) -> tuple[list[Paged], bool]:
    """Of which the runs that are wanted are among; and whether older dataset versions were left out."""
    store, projects = ports.store, [each.name for each in ports.stage.projects]
    if asked.project is not None:
        projects = [ports.stage.project(asked.project).name]
    if asked.full_commit is not None:
        return [partial(store.runs_of_commit, asked.full_commit)], False
    if asked.full_dataset is not None:
        return [partial(store.runs_of_dataset, project, asked.full_dataset) for project in projects], False
    if asked.data is not None:
        bucket, data = asked.data.bucket or ports.bucket.name, asked.data
        datasets = store.datasets_of_object(bucket, data.key, data.version_id, DATASETS_LOOKED_AT + 1)
        newest = datasets[:DATASETS_LOOKED_AT]
        return [partial(store.runs_of_dataset, each.project, each.version) for each in newest], newest != datasets
    return [partial(store.runs_of_project, project) for project in projects], False


def _newest_of(sources: Iterable[Paged], page: int, before: RunRef | None) -> Iterator[Run]:
    """Those of all sources in one order, read as they are wanted."""
    return merge(*(_paged(source, page, before) for source in sources), key=_age, reverse=True)


def _paged(source: Paged, page: int, before: RunRef | None) -> Iterator[Run]:
    """A page of which no record can be read looks like the end: only one of `LOOKED_THROUGH` is taken for that."""
    width = page
    while (runs := source(width, before)) or width < LOOKED_THROUGH:
        if runs:
            yield from runs
            before, width = ref_of(runs[-1]), page
        else:
            width = PAGE if width < PAGE else LOOKED_THROUGH


def ref_of(run: Run) -> RunRef:
    return RunRef(run.id, run.project, run.requested_at, run.status)


def _age(run: Run) -> tuple[datetime, str]:
    return run.requested_at, run.id
