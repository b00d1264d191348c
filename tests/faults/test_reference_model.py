"""Hypothesis drives the use cases against a model of a few lines: what is there to train on, and what was trained."""

from __future__ import annotations

from functools import partial
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dropforge.domain.artifact_layout import manifest_key
from dropforge.domain.run import Run
from dropforge.workflow.dispatch_runs import dispatch_runs
from dropforge.workflow.pause_project import pause_project
from dropforge.workflow.record_job_state import record_job_state
from dropforge.workflow.register_image import BuiltImage, register_image
from dropforge.workflow.resume_project import resume_project
from dropforge.workflow.seal_dataset import seal_dataset
from dropforge.workflow.sweep import sweep
from tests.fakes.interruption import CutOff, Interruption, interrupted
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.world import World
from tests.faults.invariants import Moment, check_rest, check_step, check_world
from tests.faults.rest import come_to_rest
from tests.faults.suspension import Message

KEYS = st.sampled_from(["a", "b", "test/c"])
WHERE = st.one_of(st.none(), st.tuples(st.integers(0, 25), st.booleans()))
"""Nowhere, or at which call a function is killed, and whether after it; its message is then delivered again."""


class Delivery(RuleBasedStateMachine):
    """The model: objects by key, the latest commit, and each pair of commit and objects that must have a run."""

    @initialize()
    def begin(self) -> None:
        self.world = World()
        self.objects: dict[str, str] = {}
        self.sealed: frozenset[str] = frozenset()
        self.commit: str | None = None
        self.owed: set[tuple[str, frozenset[str]]] = set()
        self.changed = False
        self.images: list[BuiltImage] = []
        self.before = Moment.of(self.world.store)

    def deliver(self, message: Message, where: tuple[int, bool] | None) -> None:
        if where is not None:
            at, after = where
            try:
                message(interrupted(self.world.ports, Interruption(at, after)))
            except CutOff:
                pass
            else:
                return
        message(self.world.ports)

    @rule(key=KEYS)
    def somebody_drops_an_object(self, key: str) -> None:
        self.world.drop(f"digits/{key}")
        self.objects[key] = self.world.bucket.versions[f"digits/{key}"][-1].version_id
        self.changed = True

    @rule(key=KEYS)
    def somebody_deletes_an_object(self, key: str) -> None:
        if key in self.objects:
            self.world.delete(f"digits/{key}")
            del self.objects[key]
            self.changed = True

    @rule(where=WHERE)
    def it_grows_quiet(self, where: tuple[int, bool] | None) -> None:
        self.world.clock.pass_by(seconds=61)
        self.deliver(lambda ports: seal_dataset(ports, "digits"), where)
        if self.changed and self.objects:
            self.sealed = frozenset(self.objects.values())
            self._owe()
        self.changed = False

    @rule(where=WHERE, again=st.booleans())
    def somebody_pushes_a_commit(self, where: tuple[int, bool] | None, again: bool) -> None:
        built = self.world.built(commit=f"c{len(self.images) + 1}")
        self.images.append(built)
        for _ in range(1 + again):
            self.deliver(lambda ports: register_image(ports, built), where)
        self.commit = built.commit
        self._owe()

    @rule(data=st.data())
    def an_older_image_is_told_of_again(self, data: st.DataObject) -> None:
        if self.images:
            built = data.draw(st.sampled_from(self.images))
            register_image(self.world.ports, built)
            if self.sealed:
                self.owed.add((built.commit, self.sealed))

    @rule(where=WHERE)
    def the_dispatcher_is_woken(self, where: tuple[int, bool] | None) -> None:
        self.deliver(dispatch_runs, where)

    @rule(is_told=st.booleans(), where=WHERE)
    def a_job_ends(self, is_told: bool, where: tuple[int, bool] | None) -> None:
        for name in self.world.jobs.running()[:1]:
            self.world.jobs.end(name, JobEnd())
            if is_told:
                self.deliver(partial(record_job_state, job_name=name), where)

    @rule(where=WHERE)
    def the_sweep_comes_by(self, where: tuple[int, bool] | None) -> None:
        self.world.clock.pass_by(minutes=15)
        self.deliver(sweep, where)

    @rule(is_paused=st.booleans())
    def somebody_pauses_or_resumes(self, is_paused: bool) -> None:
        change = pause_project if is_paused else resume_project
        change(self.world.ports, "digits", "ada")

    @invariant()
    def nothing_goes_back(self) -> None:
        if hasattr(self, "world"):
            now = Moment.of(self.world.store)
            check_step(self.before, now)
            self.before = now
            check_world(self.world)

    def _owe(self) -> None:
        if self.commit is not None and self.sealed:
            self.owed.add((self.commit, self.sealed))

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        resume_project(self.world.ports, "digits", "ada")
        come_to_rest(self.world)
        check_rest(self.world)
        trained = {(run.image.commit, self._objects_of(run)) for run in self.world.store.runs.values()}
        missing = self.owed - trained
        assert not missing, f"never trained: {missing}"
        assert len(self.world.jobs.requests) == len(self.world.store.runs)

    def _objects_of(self, run: Run) -> frozenset[str]:
        manifest = self.world.bucket.manifest(manifest_key("digits", run.dataset.version))
        return frozenset(each.version_id for each in manifest.objects)


TestDelivery: Any = Delivery.TestCase
TestDelivery.settings = settings(
    max_examples=150, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
