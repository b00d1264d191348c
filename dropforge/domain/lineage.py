"""What came of what: commits and objects at one end, models at the other, as a graph that points downstream."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from dropforge.domain.dataset import Dataset
from dropforge.domain.drop import ObjectDropped, ObjectRef
from dropforge.domain.image import Build, Image
from dropforge.domain.run import Run


class ThingKind(Enum):
    COMMIT = "commit"
    IMAGE = "image"
    OBJECT = "object"
    DATASET = "dataset"
    RUN = "run"
    MODEL = "model"


@dataclass(frozen=True)
class Thing:
    """`name` is what `lineage` takes to find it: a commit, a digest, `s3://bucket/key?versionId=…`, a run's id."""

    kind: ThingKind
    name: str


@dataclass(frozen=True)
class Lineage:
    """`facts` says what is known of each thing; `links` lead from what was used to what came of it.

    `subjects` are what was asked for: more than one where a key has several versions. `more` says in a sentence each
    what was left out, since there is more of it than one answer holds.
    """

    subjects: tuple[Thing, ...] = ()
    facts: Mapping[Thing, Mapping[str, str]] = field(default_factory=dict)
    links: tuple[tuple[Thing, Thing], ...] = ()
    more: tuple[str, ...] = ()

    def upstream(self, thing: Thing) -> tuple[Thing, ...]:
        """What the thing was made from."""
        return tuple(source for source, target in self.links if target == thing)

    def downstream(self, thing: Thing) -> tuple[Thing, ...]:
        """What was made from the thing."""
        return tuple(target for source, target in self.links if source == thing)


class LineageBuilder:
    """Collects things and links, each once, in the order in which they were met."""

    def __init__(self) -> None:
        self._facts: dict[Thing, dict[str, str]] = {}
        self._links: dict[tuple[Thing, Thing], None] = {}

    def add_image(self, image: Image) -> Thing:
        thing = self._thing(ThingKind.IMAGE, image.digest, {"uri": image.uri, "project": image.project})
        self.add_build(thing, image.build)
        return thing

    def add_build(self, image: Thing, build: Build) -> None:
        facts = {"branch": build.branch, "claimed_author": build.claimed_author, "execution": build.execution_id}
        self._link(self._thing(ThingKind.COMMIT, build.commit, facts), image)

    def add_dataset(self, dataset: Dataset) -> Thing:
        facts = {"project": dataset.project, "objects": str(dataset.objects), "bytes": str(dataset.bytes)}
        return self._thing(ThingKind.DATASET, dataset.version, facts)

    def add_object(self, ref: ObjectRef, dataset: Dataset, drop: ObjectDropped | None) -> Thing:
        by = {"put_by": drop.principal, "from": drop.address, "at": drop.at.isoformat()} if drop is not None else {}
        thing = self._thing(ThingKind.OBJECT, object_name(ref), by)
        self._link(thing, self.add_dataset(dataset))
        return thing

    def add_run(self, run: Run) -> Thing:
        """With its commit, image and data, and the model that it gave."""
        metrics = {name: str(value) for name, value in (run.result.metrics.items() if run.result else ())}
        repeats = {"reproduces": run.reproduces.of} if run.reproduces is not None else {}
        known = {"project": run.project, "status": run.status.value, **repeats}
        # A program may call a metric what it likes: it comes after these, and takes the place of none.
        thing = self._thing(ThingKind.RUN, run.id, known)
        self._thing(ThingKind.RUN, run.id, metrics)
        image = self.add_image(run.image)
        for build in run.also_built:
            self.add_build(image, build)
        self._link(image, thing)
        self._link(self.add_dataset(run.dataset), thing)
        if run.result is not None and run.result.model is not None:
            model = run.result.model
            facts = {"version": model.version_id, "sha256": model.sha256 or ""}
            self._link(thing, self._thing(ThingKind.MODEL, model.uri, facts))
        return thing

    def lineage(self, subjects: Iterable[Thing], more: Iterable[str] = ()) -> Lineage:
        return Lineage(tuple(dict.fromkeys(subjects)), self._facts, tuple(self._links), tuple(more))

    def _thing(self, kind: ThingKind, name: str, facts: Mapping[str, str]) -> Thing:
        """What was said of it first stays; what is empty is not said."""
        thing = Thing(kind, name)
        known = self._facts.setdefault(thing, {})
        known |= {name: value for name, value in facts.items() if value and name not in known}
        return thing

    def _link(self, source: Thing, target: Thing) -> None:
        self._links[source, target] = None


def object_name(ref: ObjectRef) -> str:
    """As S3's own URLs name one version of an object."""
    return f"s3://{ref.bucket}/{ref.key}?versionId={ref.version_id}"
