"""What can happen to a run, in the past tense. A run's trail is these, and the run is what they add up to.

Each event says how it changes a run, and returns the very same run when it changes nothing: an older observation never
undoes a newer one, what is told of one attempt never touches the next, and a run's end is followed by a person's retry
alone, that of a superseded run also by its being asked for again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final, TypeAlias, get_args

from dropforge.domain.announcement import Outcome
from dropforge.domain.dataset import Dataset
from dropforge.domain.encoding import decode, encode_object
from dropforge.domain.errors import InvalidDocumentError
from dropforge.domain.image import Build, Image
from dropforge.domain.run import (
    Attempt,
    DelayCause,
    Held,
    Limit,
    Reproduction,
    Requester,
    RequesterKind,
    Run,
    RunResult,
    RunStatus,
    SignedRecord,
    StoredStatement,
    Waiting,
)
from dropforge.domain.trail import TrailHead
from dropforge.domain.training_job import JobState
from dropforge.domain.training_spec import TrainingSpec

NOT_STARTED = frozenset({RunStatus.WAITING, RunStatus.STARTING})
WITHOUT_JOB = frozenset({RunStatus.WAITING, RunStatus.HELD})
FIRST_REASON = "waits for its turn"


@dataclass(frozen=True)
class RunRequested:
    """The first event of every run. `spec` is resolved: the image's, with what the requester changed.

    `data_revision` is that of the head whose data it is; 0 where the head had other data, or somebody named it.
    """

    at: datetime
    run_id: str
    project: str
    image: Image
    dataset: Dataset
    spec: TrainingSpec
    requester: Requester
    reproduces: Reproduction | None = None
    data_revision: int = 0

    def new_run(self) -> Run:
        return Run(
            id=self.run_id,
            project=self.project,
            image=self.image,
            dataset=self.dataset,
            spec=self.spec,
            requester=self.requester,
            requested_at=self.at,
            status=RunStatus.WAITING,
            changed_at=self.at,
            waiting=Waiting(self.at, DelayCause.TURN, FIRST_REASON),
            reproduces=self.reproduces,
            data_revision=self.data_revision,
        )

    def apply(self, run: Run) -> Run:
        return run


@dataclass(frozen=True)
class RunHeld:
    """It will not start until somebody acts; announced."""

    at: datetime
    outcome: Outcome
    reason: str
    remedy: str

    def apply(self, run: Run) -> Run:
        if run.status not in NOT_STARTED:
            return run
        held = Held(self.outcome, self.reason, self.remedy)
        return replace(run, status=RunStatus.HELD, held=held, waiting=None, changed_at=self.at)


@dataclass(frozen=True)
class RunDelayed:
    """It waits, for now; recorded once for each new reason, and each time that AWS had no room.

    Where it is for a `limit` that ops may raise, `remedy` says how. Ops are told of the limit, not of each such run.
    """

    at: datetime
    due: datetime
    cause: DelayCause
    reason: str
    limit: Limit | None = None
    remedy: str = ""

    def apply(self, run: Run) -> Run:
        waiting = Waiting(self.due, self.cause, self.reason)
        if run.status not in NOT_STARTED or run.waiting == waiting:
            return run
        busy_delays = run.busy_delays + (self.cause is DelayCause.BUSY)
        return replace(run, status=RunStatus.WAITING, waiting=waiting, busy_delays=busy_delays, changed_at=self.at)


@dataclass(frozen=True)
class RunReleased:
    """Somebody asked for a run to be looked at again that is held, or that waits for a limit until a later day.

    The latter is then in line again `in_its_place`, as long as it has waited; without, in entries of earlier releases,
    behind all that is due.
    """

    at: datetime
    by: Requester
    in_its_place: bool = False

    def apply(self, run: Run) -> Run:
        if run.status is RunStatus.HELD:
            return _in_line(run, self.at)
        if run.waiting is None or run.waiting.cause is not DelayCause.LIMIT or run.waiting.due <= self.at:
            return run
        due = run.waits_since if self.in_its_place else self.at
        return replace(run, waiting=Waiting(due, DelayCause.TURN, FIRST_REASON), changed_at=self.at)


@dataclass(frozen=True)
class AttemptIntended:
    """A job of this name is about to be created; whoever finds this without a job creates it."""

    at: datetime
    attempt: int
    job_name: str

    def apply(self, run: Run) -> Run:
        if run.status is not RunStatus.WAITING or self.attempt != run.next_attempt:
            return run
        earlier = tuple(each for each in run.attempts if each.number < self.attempt)
        intended = Attempt(self.attempt, self.job_name, self.at)
        return replace(run, status=RunStatus.STARTING, waiting=None, attempts=(*earlier, intended), changed_at=self.at)


@dataclass(frozen=True)
class AttemptStarted:
    """SageMaker has the job."""

    at: datetime
    attempt: int
    job_arn: str

    def apply(self, run: Run) -> Run:
        latest = run.attempt
        if run.status.is_terminal or latest is None or latest.number != self.attempt:
            return run
        if latest.has_ended or latest.job_arn is not None:
            return run
        started = replace(latest, job_arn=self.job_arn, started_at=self.at)
        return _running(run, started, self.at)


@dataclass(frozen=True)
class JobStateObserved:
    """SageMaker told of a job's state, perhaps before its creation was written down."""

    at: datetime
    attempt: int
    state: JobState

    def apply(self, run: Run) -> Run:
        latest = run.attempt
        if run.status.is_terminal or latest is None or latest.number != self.attempt:
            return run
        if latest.has_ended or not self.state.is_newer_than(latest.state):
            return run
        return _running(run, replace(latest, state=self.state), self.at)


@dataclass(frozen=True)
class AttemptFailed:
    """The job ended for a reason that was not the program's; another attempt is made once it is `due`."""

    at: datetime
    attempt: int
    state: JobState
    reason: str
    due: datetime
    billable_seconds: int | None = None

    def apply(self, run: Run) -> Run:
        latest = run.attempt
        if run.status.is_terminal or latest is None or latest.number != self.attempt or latest.has_ended:
            return run
        failed = replace(
            latest,
            state=self.state,
            ended_at=self.at,
            failure=self.reason,
            billable_seconds=self.billable_seconds,
        )
        return replace(
            run,
            status=RunStatus.WAITING,
            attempts=(*run.attempts[:-1], failed),
            waiting=Waiting(self.due, DelayCause.RETRY, f"attempt {self.attempt} failed ({self.reason})"),
            waiting_since=self.at,
            told_late=(),
            changed_at=self.at,
        )


@dataclass(frozen=True)
class RunFinished:
    """The end, announced. `outcome` is COMPLETED, FAILED or STOPPED.

    `attempt` is the one that ended; None, in entries of the first release, is the latest. `found_by` is the rule that
    saw it where AWS's own event did not arrive.
    """

    at: datetime
    outcome: Outcome
    result: RunResult
    state: JobState | None = None
    attempt: int | None = None
    found_by: Requester | None = None

    def apply(self, run: Run) -> Run:
        latest = run.attempt
        if run.status.is_terminal:
            return run
        if self.attempt is not None and (latest is None or latest.number != self.attempt or latest.has_ended):
            return run
        attempts = run.attempts
        if latest is not None:
            attempts = (*attempts[:-1], replace(latest, state=self.state or latest.state, ended_at=self.at))
        return _ended(replace(run, attempts=attempts), RunStatus[self.outcome.name], self.result, self.at)


@dataclass(frozen=True)
class StopRequested:
    """Somebody wants the run to end, which it does when its job has.

    It holds through every status until then: a run that goes back in line meanwhile ends instead of starting again.
    """

    at: datetime
    by: Requester

    def apply(self, run: Run) -> Run:
        if run.status.is_terminal or run.stopping is not None:
            return run
        return replace(run, stopping=self.by, changed_at=self.at)


@dataclass(frozen=True)
class RunWithdrawn:
    """The end of a run that has no job: somebody stopped it, or it waited for too long. Announced."""

    at: datetime
    outcome: Outcome  # STOPPED or FAILED
    reason: str
    by: Requester

    def apply(self, run: Run) -> Run:
        if run.status not in WITHOUT_JOB:
            return run
        return _ended(run, RunStatus[self.outcome.name], RunResult(reason=self.reason), self.at)


@dataclass(frozen=True)
class RunSuperseded:
    """A newer run of the project took its place before it had started; announced. `because` says what asked for that.

    A held run can be superseded only by one that somebody asked for in its place.
    """

    at: datetime
    by_run: str
    because: str = "latest_wins"
    by: Requester | None = None

    def apply(self, run: Run) -> Run:
        if run.status is not RunStatus.WAITING and not (run.status is RunStatus.HELD and self.by is not None):
            return run
        result = RunResult(reason=f"run {self.by_run} is newer and took its place ({self.because})")
        ended = _ended(run, RunStatus.SUPERSEDED, result, self.at)
        return replace(ended, superseded_by=self.by_run)


@dataclass(frozen=True)
class RunRetried:
    """Somebody asked for a failed or stopped run to be tried again: the same inputs, a new attempt."""

    at: datetime
    by: Requester

    def apply(self, run: Run) -> Run:
        if run.status not in {RunStatus.FAILED, RunStatus.STOPPED}:
            return run
        return _afresh(run, self.at)


@dataclass(frozen=True)
class RunAskedAgain:
    """The run that there is already was asked for, on data that has become the latest again, or by a person.

    One that was superseded is no longer: what took its place is the older of the two by now, or not what is wanted.
    """

    at: datetime
    by: Requester
    data_revision: int = 0

    def apply(self, run: Run) -> Run:
        is_newer = self.data_revision > run.data_revision
        again = replace(run, data_revision=max(self.data_revision, run.data_revision))
        if run.status is RunStatus.SUPERSEDED and (is_newer or self.by.kind is RequesterKind.USER):
            return replace(_afresh(again, self.at), requester=self.by)
        return again if is_newer and not run.status.is_terminal else run


@dataclass(frozen=True)
class RunOverdue:
    """It has waited, or been open, for longer than it should; told once for each. `outcome` is WAITING or STUCK."""

    at: datetime
    outcome: Outcome
    reason: str
    remedy: str

    def apply(self, run: Run) -> Run:
        fits = run.status is RunStatus.WAITING if self.outcome is Outcome.WAITING else run.status.is_open
        if not fits or self.outcome in run.told_late:
            return run
        return replace(run, told_late=(*run.told_late, self.outcome))


@dataclass(frozen=True)
class ImageBuiltAgain:
    """Another pipeline execution, perhaps of another commit, gave the run's very image: the run stands for it too.

    One that was superseded is no longer when this execution is the latest: the image is the project's again.
    """

    at: datetime
    build: Build
    requester: Requester

    def apply(self, run: Run) -> Run:
        known = {run.image.execution_id, *(each.execution_id for each in run.also_built)}
        if self.build.execution_id in known:
            return run
        again = replace(run, also_built=(*run.also_built, self.build))
        if run.status is RunStatus.SUPERSEDED and again.image_started_at > run.image_started_at:
            return replace(_afresh(again, self.at), requester=self.requester)
        return again


@dataclass(frozen=True)
class RunAnnounced:
    """People were told of the trail entry with this sequence."""

    at: datetime
    sequence: int
    outcome: Outcome

    def apply(self, run: Run) -> Run:
        if self.sequence in run.announced:
            return run
        return replace(run, announced=(*run.announced, self.sequence))


@dataclass(frozen=True)
class RunSigned:
    """The trail up to `head`, the run's end included, is signed; so is its model's `provenance`, where it has one."""

    at: datetime
    head: TrailHead
    statement: StoredStatement
    provenance: StoredStatement | None = None

    def apply(self, run: Run) -> Run:
        if not run.awaits_signature or self.head.sequence < run.status_sequence:
            return run
        return replace(run, signed=SignedRecord(self.head, self.statement, self.provenance))


RunEvent: TypeAlias = (
    RunRequested
    | RunHeld
    | RunDelayed
    | RunReleased
    | AttemptIntended
    | AttemptStarted
    | JobStateObserved
    | AttemptFailed
    | RunFinished
    | StopRequested
    | RunWithdrawn
    | RunSuperseded
    | RunRetried
    | RunAskedAgain
    | RunOverdue
    | ImageBuiltAgain
    | RunAnnounced
    | RunSigned
)
EVENTS: Final[Mapping[str, type[RunEvent]]] = MappingProxyType({kind.__name__: kind for kind in get_args(RunEvent)})


def event_document(event: RunEvent) -> dict[str, object]:
    """The event as the trail keeps it: its members, and its name under `type`."""
    return {"type": type(event).__name__, **encode_object(event)}


def event_from_document(document: object) -> RunEvent:
    if not isinstance(document, dict) or document.get("type") not in EVENTS:
        raise InvalidDocumentError("this trail entry holds no event that is known here: read it with a newer dropforge")
    members = {name: value for name, value in document.items() if name != "type"}
    return decode(EVENTS[document["type"]], members)


def _in_line(run: Run, at: datetime) -> Run:
    waiting = Waiting(at, DelayCause.TURN, FIRST_REASON)
    waits = replace(run, status=RunStatus.WAITING, waiting=waiting, held=None)
    return replace(waits, waiting_since=at, told_late=(), changed_at=at)


def _afresh(run: Run, at: datetime) -> Run:
    """Back in line after an end, with as many attempts before it as a new run."""
    made = run.attempt.number if run.attempt is not None else 0
    return _in_line(
        replace(run, result=None, stopping=None, superseded_by=None, attempts_before=made, busy_delays=0), at
    )


def _running(run: Run, attempt: Attempt, at: datetime) -> Run:
    attempts = (*run.attempts[:-1], attempt)
    told_late = run.told_late if run.status is RunStatus.RUNNING else ()
    runs = replace(run, status=RunStatus.RUNNING, attempts=attempts, waiting=None, held=None)
    return replace(runs, told_late=told_late, changed_at=at)


def _ended(run: Run, status: RunStatus, result: RunResult, at: datetime) -> Run:
    return replace(run, status=status, result=result, waiting=None, held=None, changed_at=at)
