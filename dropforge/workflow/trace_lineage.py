"""From anything to everything: what a thing was made from, and what was made from it.

A question takes a bounded number of requests, however much is in the store: the newest `RUNS_SHOWN` runs of a thing,
the newest `DATASETS_SHOWN` dataset versions with an object, `OBJECTS_SHOWN` objects of each dataset version. What is
left out is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from dropforge.domain.artifact_layout import manifest_key
from dropforge.domain.dataset import Dataset, ObjectVersion
from dropforge.domain.drop import ObjectName, ObjectRef
from dropforge.domain.errors import DropforgeError
from dropforge.domain.lineage import Lineage, LineageBuilder, Thing, ThingKind
from dropforge.domain.run import Run
from dropforge.workflow.find_run import SHORTEST_PREFIX, RunNotFoundError, find_run
from dropforge.workflow.ports import Ports

RUNS_SHOWN = 50
DATASETS_SHOWN = 8
OBJECTS_SHOWN = 20
SHORTEST_COMMIT = 7
"""Digits of a commit by which it is looked for among the newest runs."""

_RUN_IN_KEY = re.compile(r"(?:^|/)runs/([0-9a-f]{20})/")


class NothingKnownError(DropforgeError):
    """Nothing of that name is on record."""


def trace_lineage(ports: Ports, name: str, version_id: str | None = None) -> Lineage:
    """The lineage of a commit, image digest, object, dataset version, run or model. NothingKnownError.

    An object is named `s3://bucket/key`, by its key alone (of the training bucket), and by its version too where one is
    meant; a model by its URI or its SHA-256; the rest as the records name them. A run or a commit may be shortened.
    """
    trace = _Trace(ports)
    for meaning in _meanings(name.removesuffix("/"), version_id):
        found = meaning(trace)
        if found:
            return trace.lineage(found)
    raise NothingKnownError(
        f"nothing on record is called {name}: give a commit, a digest, a run, an s3:// address or a key as "
        "`dropforge show` prints them"
    )


Meaning = Callable[["_Trace"], list[Thing]]


def _meanings(name: str, version_id: str | None) -> Iterator[Meaning]:
    """What the name may mean, the likeliest first."""
    lower = name.lower()
    digits = lower.removeprefix("sha256:")
    if re.fullmatch(r"[0-9a-f]{64}", digits):
        yield lambda trace: trace.of_digest(digits)
    elif re.fullmatch(r"[0-9a-f]{40}", lower):
        yield lambda trace: trace.of_commit(lower)
    elif re.fullmatch(rf"[0-9a-f]{{{SHORTEST_PREFIX},39}}", lower):
        yield lambda trace: trace.of_run(lower)
        yield lambda trace: trace.of_short_name(lower)
    named = ObjectName.parse(name)
    if named.bucket is not None and _RUN_IN_KEY.search(named.key):
        yield lambda trace: trace.of_model_uri(f"s3://{named.bucket}/{named.key}", named.key)
    yield lambda trace: trace.of_object(named.bucket, named.key, version_id or named.version_id)


class _Trace:
    """Reads the store, and builds the graph of what it says."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._graph = LineageBuilder()
        self._more: list[str] = []
        self._datasets: dict[str, Dataset] = {}
        """Whose objects belong to the answer, by version: not those that lie beside an object that was asked for."""

    def lineage(self, subjects: Sequence[Thing]) -> Lineage:
        wanted = [] if any(each.kind is ThingKind.OBJECT for each in subjects) else list(self._datasets.values())
        for dataset in wanted[:DATASETS_SHOWN]:
            self._add_objects(dataset)
        if len(wanted) > DATASETS_SHOWN:
            self._more.append(f"objects are shown of {DATASETS_SHOWN} of {len(wanted)} dataset versions")
        return self._graph.lineage(subjects, self._more)

    def of_run(self, prefix: str) -> list[Thing]:
        try:
            return [self._add_run(find_run(self._ports, prefix))]
        except RunNotFoundError:
            return []

    def of_commit(self, commit: str) -> list[Thing]:
        runs = self._some(self._ports.store.runs_of_commit(commit, RUNS_SHOWN + 1))
        for run in runs:
            self._add_run(run)
        return [Thing(ThingKind.COMMIT, commit)] if runs else []

    def of_short_name(self, digits: str) -> list[Thing]:
        """The beginning of a commit, as tables show it, of one of the newest runs."""
        if len(digits) < SHORTEST_COMMIT:
            return []
        for project in self._projects:
            for run in self._ports.store.runs_of_project(project, RUNS_SHOWN):
                builds = (run.image.build, *run.also_built)
                commit = next((each.commit for each in builds if each.commit.startswith(digits)), None)
                if commit is not None:
                    return self.of_commit(commit)
        return []

    def of_digest(self, digits: str) -> list[Thing]:
        """Of an image, a dataset version or a model: SHA-256 does not say of what it is."""
        digest, found = f"sha256:{digits}", list[Thing]()
        for image in self._ports.store.images_of_digest(self._projects, digest):
            found.append(self._graph.add_image(image))
            self._add_runs(self._ports.store.runs_of_image(digest, RUNS_SHOWN + 1))
        for dataset in self._ports.store.datasets_of_version(self._projects, digest):
            found.append(self._add_dataset(dataset))
            self._add_runs(self._ports.store.runs_of_dataset(dataset.project, digest, RUNS_SHOWN + 1))
        return found or self._models_of(self._ports.store.runs_of_model(digits))

    def of_model_uri(self, uri: str, key: str) -> list[Thing]:
        """Every attempt writes below its run's own prefix, so the address names the run."""
        named = _RUN_IN_KEY.search(key)
        run = self._ports.store.run(named[1]) if named else None
        return self._models_of([run] if run is not None else [], uri)

    def of_object(self, bucket: str | None, key: str, version_id: str | None) -> list[Thing]:
        bucket = bucket or self._ports.bucket.name
        datasets = self._ports.store.datasets_of_object(bucket, key, version_id)
        newest = sorted(datasets, key=lambda each: each.sealed_at, reverse=True)
        if len(newest) > DATASETS_SHOWN:
            self._more.append(f"{len(newest) - DATASETS_SHOWN} older dataset versions hold it too")
        found: list[Thing] = []
        for dataset in newest[:DATASETS_SHOWN]:
            found += self._add_object_of(dataset, key, version_id)
            self._add_runs(self._ports.store.runs_of_dataset(dataset.project, dataset.version, RUNS_SHOWN + 1))
        return found

    @property
    def _projects(self) -> list[str]:
        return [project.name for project in self._ports.stage.projects]

    def _some(self, runs: tuple[Run, ...]) -> tuple[Run, ...]:
        if len(runs) > RUNS_SHOWN:
            self._more.append(f"only the newest {RUNS_SHOWN} runs are here; `dropforge runs` lists them all")
        return runs[:RUNS_SHOWN]

    def _add_runs(self, runs: tuple[Run, ...]) -> None:
        for run in self._some(runs):
            self._add_run(run)

    def _add_run(self, run: Run) -> Thing:
        self._datasets.setdefault(run.dataset.version, run.dataset)
        return self._graph.add_run(run)

    def _models_of(self, runs: Iterable[Run], uri: str | None = None) -> list[Thing]:
        """The models that the runs gave; only the one at the address, where one is given."""
        found = []
        for run in runs:
            model = run.result.model if run.result is not None else None
            if model is not None and uri in {None, model.uri}:
                self._add_run(run)
                found.append(Thing(ThingKind.MODEL, model.uri))
        return found

    def _add_dataset(self, dataset: Dataset) -> Thing:
        self._datasets.setdefault(dataset.version, dataset)
        return self._graph.add_dataset(dataset)

    def _add_object_of(self, dataset: Dataset, key: str, version_id: str | None) -> list[Thing]:
        """A dataset version holds one version of a key: which one, its manifest says."""
        if version_id is None:
            version_id = next(each.version_id for each in self._manifest(dataset) if each.key == key)
        return self._add_refs(dataset, [ObjectRef(dataset.bucket, key, version_id)])

    def _add_objects(self, dataset: Dataset) -> None:
        objects = self._manifest(dataset)
        if len(objects) > OBJECTS_SHOWN:
            self._more.append(f"{len(objects) - OBJECTS_SHOWN:,} more objects are in {dataset.version}")
        refs = [ObjectRef(dataset.bucket, each.key, each.version_id) for each in objects[:OBJECTS_SHOWN]]
        self._add_refs(dataset, refs)

    def _manifest(self, dataset: Dataset) -> tuple[ObjectVersion, ...]:
        return self._ports.bucket.manifest(manifest_key(dataset.project, dataset.version)).objects

    def _add_refs(self, dataset: Dataset, refs: list[ObjectRef]) -> list[Thing]:
        drops = self._ports.store.drops_of(refs)
        return [self._graph.add_object(ref, dataset, drops.get(ref)) for ref in refs]
