"""One seeded schedule: people and AWS do what they like, every hop loses, repeats and reorders, and any call may fail.

Once events stop, what is in a dead-letter queue is redriven, drops and images that are on their way arrive, all else
that is on its way is lost, and the sweep must make good for it, and for every event that was never sent.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from itertools import accumulate

from dropforge.domain.artifact_layout import manifest_key
from dropforge.domain.drop import ObjectRef
from dropforge.domain.project import OnData, PinMode, PinPolicy, SealMode, SealPolicy
from dropforge.domain.run import RunStatus
from dropforge.domain.sealing import MARKER, is_data, is_marker
from dropforge.domain.training_job import JobStatus
from dropforge.workflow.accept_drop import accept_drop
from dropforge.workflow.announce import announce
from dropforge.workflow.dispatch_runs import dispatch_runs
from dropforge.workflow.record_job_state import record_job_state
from dropforge.workflow.register_image import BuiltImage, register_image
from dropforge.workflow.retry_run import retry_run
from dropforge.workflow.seal_dataset import Turn, seal_dataset, wake_due_seals
from dropforge.workflow.stop_run import stop_run
from dropforge.workflow.sweep import sweep
from tests.fakes.interruption import CutOff
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.world import DIGITS, RecordedWakeups, World, stage_of
from tests.faults.invariants import Moment, ViolationError, check_rest, check_step, check_world, require
from tests.faults.rest import come_to_rest, one_quarter_of_an_hour
from tests.faults.storm import Storm
from tests.faults.suspension import Message

MOST_COPIES = 5
MOST_RECEIVES = 3
SWEEPS = 5
"""An image is missed after 25 minutes."""
STORMY_SWEEPS = 2
DEEPEST = 2
"""How many deliveries may interrupt each other."""
ENDS = (
    JobEnd(),
    JobEnd(JobStatus.FAILED, "Failed", failure_reason="AlgorithmError: exit code 1", model=None),
    JobEnd(JobStatus.FAILED, "Failed", failure_reason="InternalServerError: try again", model=None),
    JobEnd(JobStatus.STOPPED, "MaxRuntimeExceeded", model=None),
)


@dataclass
class Envelope:
    """A message in a queue. `is_door` says that it brings a drop or an image, which are on no record before."""

    name: str
    message: Message
    is_door: bool = False
    receives: int = 0


class Woken(RecordedWakeups):
    """Whom somebody woke since it was last looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.woken: list[tuple[str, ObjectRef | None]] = []

    def seal(self, project: str, after: timedelta, of: ObjectRef | None = None) -> None:  # noqa: ARG002
        self.woken.append((project, of))


class Schedule:
    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a schedule, not a secret
        on_data = self.chance.choice(list(OnData))
        self.seal = self.chance.choice([SealMode.QUIET, SealMode.QUIET, SealMode.MARKER, SealMode.OBJECT])
        pin = PinPolicy(self.chance.choice([PinMode.COPY, PinMode.COPY, PinMode.VERIFY]))
        latest_wins = self.chance.random() < 0.25
        project = replace(DIGITS, on_data=on_data, seal=SealPolicy(self.seal), pin=pin, latest_wins=latest_wins)
        self.world = World(stage_of(project))
        self.wakeups = Woken()
        self.world.ports = replace(self.world.ports, wakeups=self.wakeups)
        self.queue: list[Envelope] = []
        self.dead: list[Envelope] = []
        strength = self.chance.choice([0.0, 0.02, 0.06, 0.15])
        self.storm = Storm(self.world, self.chance, strength, self._meanwhile)
        self.log = self.storm.log
        self._depth = 0
        self._messages = 0
        self._commits = 0
        self._announced: set[object] = set()
        self._images: dict[str, Message] = {}
        self._built: set[str] = set()

    def play(self) -> None:
        """ViolationError when a promise is broken."""
        now = Moment.of(self.world.store)
        for _ in range(self.chance.randint(20, 120)):
            doing = self.chance.choices(DEEDS, cum_weights=CUMULATIVE_WEIGHTS)[0]
            doing(self)
            before, now = now, Moment.of(self.world.store)
            check_step(before, now)
            if self.storm.violation is not None:
                raise self.storm.violation
        self._sweep_in_the_storm()
        check_world(self.world)
        self.log.append("events stop")
        self._calm_down()
        self._deliver_what_is_left()
        self._let_the_sweep_heal()
        check_rest(self.world)
        self._check_that_the_latest_was_trained()

    def _sweep_in_the_storm(self) -> None:
        """A sweep is killed like anything else, and just when it has something to find."""
        for _ in range(STORMY_SWEEPS):
            self.world.clock.pass_by(minutes=16)
            self._hand_over(Envelope("sweep", sweep))
            if self.storm.violation is not None:
                raise self.storm.violation

    def _calm_down(self) -> None:
        self.storm.strength = 0.0
        self.storm.clock.off = timedelta()
        self.world.jobs.throttled = self.world.builds.busy = False

    def _deliver_what_is_left(self) -> None:
        left = [*self.dead, *(each for each in self.queue if each.is_door)]
        self.queue.clear()
        self.world.clock.pass_by(minutes=30)
        for each in left:
            self.log.append(f"redriven: {each.name}")
            try:
                each.message(self.world.ports)
            except Exception as error:
                raise ViolationError(f"promise 1 is broken: {each.name} cannot be redriven: {error!r}") from error

    def _let_the_sweep_heal(self) -> None:
        for _ in range(SWEEPS):
            one_quarter_of_an_hour(self.world)
            for execution in self.world.builds.retried:
                self._images[execution](self.world.ports)
            self.world.builds.retried.clear()
        come_to_rest(self.world)

    def _check_that_the_latest_was_trained(self) -> None:
        head = self.world.store.head("digits")
        if self.seal is SealMode.QUIET:
            self._check_that_all_is_sealed()
        else:
            self._check_that_each_had_its_turn()
        if head.data is None or head.image is None:
            return
        versions = {run.dataset.version for run in self.world.store.runs.values()}
        require(head.data.dataset.version in versions, 1, "the latest data was never trained on")
        if self.world.ports.stage.project("digits").on_data is OnData.REUSE:
            pairs = {(run.image.digest, run.dataset.version) for run in self.world.store.runs.values()}
            require(
                (head.image.digest, head.data.dataset.version) in pairs, 1, "the latest image never met the latest data"
            )

    def _check_that_all_is_sealed(self) -> None:
        world, data = self.world, self.world.store.head("digits").data
        there = {each.version_id for each in world.bucket.current_objects("digits/", world.clock.now())}
        if not there:
            return
        if data is None:
            raise ViolationError("promise 1 is broken: what was dropped was never sealed")
        sealed = {
            each.version_id for each in world.bucket.manifest(manifest_key("digits", data.dataset.version)).objects
        }
        require(sealed == there, 1, f"the latest data is {sorted(sealed)}, and {sorted(there)} is there")

    def _check_that_each_had_its_turn(self) -> None:
        """What is sealed by itself and still there, object or marker, had a timer, which check_rest saw cleared."""
        world, sealing = self.world, is_marker if self.seal is SealMode.MARKER else is_data
        for each in world.bucket.current_objects("digits/", world.clock.now()):
            timer = world.store.seal_timer("digits", ObjectRef(world.bucket.name, each.key, each.version_id))
            require(timer is not None or not sealing(each.key), 1, f"{each.version_id} was never looked at")

    def send(self, name: str, message: Message, *, is_door: bool = False) -> None:
        """Once or more; or never, and the event is lost: also that of a drop or of an image."""
        copies = self.chance.choice([0, 1, 1, 1, 1, 2, 2, MOST_COPIES])
        self.log.append(f"{name}: sent {copies} times")
        for number in range(copies):
            self.queue.append(Envelope(name, message, is_door and number == 0))

    def deliver(self) -> None:
        """Any message, in any order."""
        if not self.queue:
            return
        self._hand_over(self.queue.pop(self.chance.randrange(len(self.queue))))

    def _hand_over(self, envelope: Envelope) -> None:
        envelope.receives += 1
        self.log.append(f"{envelope.name}: delivered, receive {envelope.receives}")
        try:
            envelope.message(self.storm.ports)
        except (CutOff, Exception) as failure:  # noqa: BLE001 - the queue takes it back, whatever it was
            self.log.append(f"{envelope.name}: back in its queue, {failure!r}")
            (self.dead if envelope.receives >= MOST_RECEIVES else self.queue).append(envelope)
        self._forward()

    def _forward(self) -> None:
        """Wake-ups and the table's stream bring further messages."""
        if self.wakeups.dispatches:
            self.send("dispatch", dispatch_runs)
        for project, of in self.wakeups.woken:
            self._messages += 1
            turn = Turn(f"message {self._messages}")
            name = "seal" if of is None else f"seal of {of.version_id}"
            self.send(name, partial(seal_dataset, project_name=project, of=of, turn=turn))
        self.wakeups.dispatches = 0
        self.wakeups.woken.clear()
        for each in self.world.store.pending_announcements():
            if each.key not in self._announced:
                self._announced.add(each.key)
                self.send(f"announce {each.key.sequence}", partial(announce, key=each.key))

    def _meanwhile(self) -> None:
        if self._depth < DEEPEST:
            self._depth += 1
            self.deliver()
            self._depth -= 1

    def drop(self) -> None:
        names = ["a", "b", "test/c"]
        if self.seal is SealMode.MARKER:
            names += [MARKER, MARKER]
        key = f"digits/{self.chance.choice(names)}"
        self._put(key, self.chance.choice([b"one", b"two", b"three"]))

    def _put(self, key: str, content: bytes) -> None:
        stored = self.world.bucket.put(key, content)
        drop = self.world.told_of(stored)
        self.send(f"drop of {stored.version_id}", partial(accept_drop, drop=drop), is_door=True)

    def delete(self) -> None:
        there = sorted(self.world.bucket.current_objects("digits/", self.world.clock.now()), key=lambda each: each.key)
        if there:
            marker = self.world.bucket.delete(self.chance.choice(there).key)
            drop = self.world.told_of(marker, deleted=True)
            self.send(f"deletion of {marker.key}", partial(accept_drop, drop=drop), is_door=True)

    def put_back(self) -> None:
        """What was there before is there again: its bytes are put anew, or what replaced them is deleted for good."""
        there = self.world.bucket.current_objects("digits/", self.world.clock.now())
        replaced = [each for each in there if len(self.world.bucket.versions[each.key]) > 1]
        if not replaced:
            return
        latest = self.chance.choice(replaced)
        if self.chance.random() < 0.5:
            self._put(latest.key, self.world.bucket.versions[latest.key][-2].content or b"one")
            return
        self.world.bucket.delete_version(latest)
        drop = self.world.told_of(latest, deleted=True)
        self.send(f"deletion of {latest.version_id}", partial(accept_drop, drop=drop), is_door=True)

    def push(self) -> None:
        """A commit, or an earlier one built again."""
        self._commits += self.chance.random() < 0.8 or self._commits == 0
        commit = f"c{self._commits}"
        built = self.world.built(commit=commit, execution=f"execution-{len(self.world.builds.executions) + 1}")
        self._send_image(f"image of {commit}", built)

    def end_rebuild(self) -> None:
        for each in self.world.store.rebuilds.values():
            if each.execution_id is not None and each.execution_id not in self._built:
                self._built.add(each.execution_id)
                built = self.world.built_for(each, content=self.chance.choice(["rebuilt", "c1"]))
                self._send_image(f"image of {each.execution_id}", built)

    def _send_image(self, name: str, built: BuiltImage) -> None:
        self._images[built.execution_id] = partial(register_image, built=built)
        self.send(name, self._images[built.execution_id], is_door=True)

    def end_job(self) -> None:
        running = self.world.jobs.running()
        if running:
            name = self.chance.choice(running)
            self.world.jobs.end(name, self.chance.choice(ENDS))
            self.send(f"end of {name}", partial(record_job_state, job_name=name))

    def pass_time(self) -> None:
        self.world.clock.pass_by(seconds=self.chance.choice([1, 30, 61, 61, 300]))

    def set_clock(self) -> None:
        self.storm.clock.off = timedelta(hours=self.chance.choice([-1, 0, 1]))
        self.log.append(f"functions take it to be {self.storm.clock.now()}")

    def tick(self) -> None:
        self.send("tick of dispatch", dispatch_runs)
        self.send("tick of seal", wake_due_seals)

    def sweep(self) -> None:
        self.send("sweep", sweep)

    def change_room(self) -> None:
        self.world.jobs.throttled = self.chance.random() < 0.3
        self.world.builds.busy = self.chance.random() < 0.3
        self.world.jobs.quota["ml.m5.large"] = self.chance.choice([1, 2, 8])
        self.log.append(f"throttled: {self.world.jobs.throttled}")

    def ask_by_hand(self) -> None:
        """Somebody stops a run, or tries one again."""
        runs = sorted(self.world.store.runs.values(), key=lambda run: run.id)
        if not runs:
            return
        run = self.chance.choice(runs)
        if run.status in {RunStatus.FAILED, RunStatus.STOPPED}:
            self.log.append(f"run {run.id} is retried")
            retry_run(self.world.ports, run.id, "ada")
        elif not run.status.is_terminal:
            self.log.append(f"run {run.id} is stopped")
            stop_run(self.world.ports, run.id, "ada")


DEEDS: tuple[Callable[[Schedule], None], ...] = (
    Schedule.deliver,
    Schedule.drop,
    Schedule.delete,
    Schedule.put_back,
    Schedule.push,
    Schedule.end_rebuild,
    Schedule.end_job,
    Schedule.pass_time,
    Schedule.set_clock,
    Schedule.tick,
    Schedule.sweep,
    Schedule.change_room,
    Schedule.ask_by_hand,
)
WEIGHTS = (40, 3, 1, 1, 2, 2, 3, 5, 1, 2, 1, 1, 1)
CUMULATIVE_WEIGHTS = tuple(accumulate(WEIGHTS))


def play(seed: int) -> str | None:
    """What the seed's schedule broke; None when every promise held."""
    try:
        Schedule(seed).play()
    except ViolationError as violation:
        return str(violation)
    return None
