"""One stage in memory, with what a person or AWS would do to it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from dropforge.domain.announcement import Announcement
from dropforge.domain.dataset import ListedObject
from dropforge.domain.drop import ObjectDropped, ObjectRef
from dropforge.domain.head import Rebuild
from dropforge.domain.mail import Mail
from dropforge.domain.project import Project, SealPolicy, Stage
from dropforge.domain.run import Run
from dropforge.domain.state_report import StateReport
from dropforge.domain.training_spec import TrainingSpec
from dropforge.workflow.accept_drop import accept_drop
from dropforge.workflow.announce import announce
from dropforge.workflow.dispatch_runs import dispatch_runs
from dropforge.workflow.ports import Ports
from dropforge.workflow.record_job_state import record_job_state
from dropforge.workflow.register_image import BuiltImage, Registration, register_image
from dropforge.workflow.seal_dataset import seal_dataset
from dropforge.workflow.sign_run import sign_run
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.memory_builds import MemoryBuilds
from tests.fakes.memory_dead_letters import MemoryDeadLetters
from tests.fakes.memory_jobs import JobEnd, MemoryJobs
from tests.fakes.memory_lifespans import MemoryLifespans
from tests.fakes.memory_signing import MemorySigner, MemoryStatements, RecordedStates
from tests.fakes.memory_store import MemoryStore
from tests.fakes.memory_surroundings import MemorySurroundings

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
DIGITS = Project("digits", "example/digits", "digits/", seal=SealPolicy(quiet_seconds=60))
PLAIN_SPEC = TrainingSpec()


@dataclass
class ManualClock:
    """Implements `ports.Clock`: time passes when a test says so."""

    time: datetime = START

    def now(self) -> datetime:
        return self.time

    def pass_by(self, **lengths: float) -> None:
        self.time += timedelta(**lengths)

    def wait(self, length: timedelta) -> None:
        self.time += length


@dataclass
class RecordedWakeups:
    """Implements `ports.Wakeups`."""

    dispatches: int = 0
    seals: list[tuple[str, timedelta]] = field(default_factory=list)
    sealed_alone: list[ObjectRef] = field(default_factory=list)
    """The objects and markers that have a timer of their own, each time that somebody was woken for it."""
    signatures: list[str] = field(default_factory=list)

    def dispatch(self) -> None:
        self.dispatches += 1

    def sign(self, run_id: str) -> None:
        self.signatures.append(run_id)

    def seal(self, project: str, after: timedelta, of: ObjectRef | None = None) -> None:
        self.seals.append((project, after))
        self.sealed_alone += [of] if of is not None else []


@dataclass
class Mailbox:
    """Implements `ports.Announcer`; with a refusal it delivers nothing and raises that."""

    mails: list[tuple[Mail, Announcement]] = field(default_factory=list)
    refusal: Exception | None = None

    def publish(self, mail: Mail, announcement: Announcement) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.mails.append((mail, announcement))

    @property
    def subjects(self) -> list[str]:
        return [mail.subject for mail, _ in self.mails]


@dataclass
class RecordedSink:
    """Implements `ports.Sink`; `meanwhile` happens while it is told for the first time."""

    name: str = "a backend"
    told: list[StateReport] = field(default_factory=list)
    meanwhile: Callable[[], object] | None = None

    def deliver(self, report: StateReport) -> None:
        self.told.append(report)
        happens, self.meanwhile = self.meanwhile, None
        if happens is not None:
            happens()


def stage_of(*projects: Project, concurrent_runs: int = 8) -> Stage:
    return Stage("dropforge-test", projects or (DIGITS,), concurrent_runs, {"ml.m5.large": Decimal("0.115")})


class World:
    """Everything outside in memory, wired; the verbs below are what the world does, not what Dropforge does."""

    def __init__(self, stage: Stage | None = None) -> None:
        self.clock = ManualClock()
        self.store = MemoryStore()
        self.bucket = MemoryBucket(self.clock.now)
        self.lifespans = MemoryLifespans(self.bucket)
        self.jobs = MemoryJobs(self.clock, self.bucket)
        self.builds = MemoryBuilds(self.clock)
        self.wakeups = RecordedWakeups()
        self.mailbox = Mailbox()
        self.dead_letters = MemoryDeadLetters()
        self.surroundings = MemorySurroundings(self.dead_letters)
        self.signer = MemorySigner()
        self.statements = MemoryStatements()
        self.states = RecordedStates()
        self.sink = RecordedSink()
        self._told = 0
        self.ports = Ports(
            stage=stage or stage_of(),
            store=self.store,
            bucket=self.bucket,
            lifespans=self.lifespans,
            registry=self.builds,
            jobs=self.jobs,
            pipelines=self.builds,
            logs=self.jobs,
            wakeups=self.wakeups,
            announcer=self.mailbox,
            signer=self.signer,
            statements=self.statements,
            states=self.states,
            sinks=(self.sink,),
            clock=self.clock,
        )

    def drop(self, key: str, content: bytes = b"data") -> ObjectDropped:
        """Somebody puts an object, and S3 tells of it."""
        drop = self.told_of(self.bucket.put(key, content))
        accept_drop(self.ports, drop)
        return drop

    def delete(self, key: str) -> None:
        accept_drop(self.ports, self.told_of(self.bucket.delete(key), deleted=True))

    def grow_quiet(self, project: str = "digits") -> None:
        """No object comes for a while, and the sealing function is woken."""
        self.clock.pass_by(seconds=61)
        seal_dataset(self.ports, project)

    def built(
        self,
        project: str = "digits",
        *,
        commit: str = "c1",
        dataset: str | None = None,
        execution: str | None = None,
        message: str = "Train",
        spec: TrainingSpec | None = None,
        content: str | None = None,
    ) -> BuiltImage:
        """A pipeline execution builds a commit and pushes the image, whose digest follows from `content`."""
        execution = execution or f"execution-of-{commit}"
        if (project, execution) not in self.builds.executions:
            self.builds.start(project, execution)
        digest = hashlib.sha256((content or commit).encode()).hexdigest()
        self.builds.push(project, commit, execution, f"sha256:{digest}")
        document = (spec or PLAIN_SPEC).to_document()
        claims = {"spec": document, "claimed_author": "Ada <ada@example.com>", "message": message}
        self.clock.pass_by(seconds=1)
        return BuiltImage(project, commit, "main", execution, dataset, claims)

    def push(
        self, project: str = "digits", *, commit: str = "c1", message: str = "Train", spec: TrainingSpec | None = None
    ) -> Registration:
        """Somebody pushes a commit; it is built, and the image registered."""
        return register_image(self.ports, self.built(project, commit=commit, message=message, spec=spec))

    def push_rebuild(self, rebuild: Rebuild, *, commit: str = "c1", content: str = "rebuilt") -> Registration:
        """The build that data asked for ends, and the image is registered."""
        return register_image(self.ports, self.built_for(rebuild, commit=commit, content=content))

    def built_for(self, rebuild: Rebuild, *, commit: str = "c1", content: str = "rebuilt") -> BuiltImage:
        version, execution = rebuild.dataset_version, self.builds.rebuilds[f"{rebuild.project}/{rebuild.client_token}"]
        return self.built(rebuild.project, commit=commit, dataset=version, execution=execution, content=content)

    def dispatch(self) -> None:
        dispatch_runs(self.ports)

    def finish(self, run: Run, end: JobEnd | None = None) -> Run:
        """The run's job ends, and SageMaker tells of it."""
        self.clock.pass_by(minutes=1)
        name = self.run(run.id).attempts[-1].job_name
        self.jobs.end(name, end or JobEnd())
        recorded = record_job_state(self.ports, name)
        assert recorded is not None
        return recorded

    def deliver_announcements(self) -> None:
        for pending in self.store.pending_announcements():
            announce(self.ports, pending.key)

    def sign(self) -> None:
        """Every finished run is signed."""
        for ref in self.store.unsigned_runs():
            sign_run(self.ports, ref.id)

    def run(self, run_id: str) -> Run:
        found = self.store.run(run_id)
        assert found is not None
        return found

    def only_run(self) -> Run:
        (run,) = self.store.runs.values()
        return run

    def seal_woken(self) -> None:
        """Every wake-up for an object or a marker arrives."""
        woken, self.wakeups.sealed_alone = self.wakeups.sealed_alone, []
        for of in woken:
            project = self.ports.stage.project_of(of.key)
            assert project is not None
            seal_dataset(self.ports, project.name, of)

    def told_of(self, listed: ListedObject, *, deleted: bool = False) -> ObjectDropped:
        """What S3 says of the object version; of two of the same key, which came later."""
        self._told += 1
        return ObjectDropped(
            bucket=self.bucket.name,
            key=listed.key,
            version_id=listed.version_id,
            size=listed.size,
            sequencer=f"0055AED6DCD9{self._told:08X}",
            principal="AWS:ADA",
            address="192.0.2.7",
            at=self.clock.now(),
            deleted=deleted,
        )
