"""One item of every kind, and every question that reads one: what a release writes, and what it reads back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from dropforge.domain.announcement import AnnouncementKey, Outcome, SubjectKind
from dropforge.domain.congestion import Congestion
from dropforge.domain.dataset import Checksum, ChecksumSource, ListedObject, ObjectVersion
from dropforge.domain.drop import ObjectDropped, ObjectRef
from dropforge.domain.head import Pause, Rebuild, SealedData, StartDelay
from dropforge.domain.notice import Notice
from dropforge.domain.pinning import Pin
from dropforge.domain.run import (
    DelayCause,
    Reproduction,
    Requester,
    RequesterKind,
    Run,
    RunRef,
    RunResult,
    StoredStatement,
)
from dropforge.domain.run_events import (
    AttemptIntended,
    AttemptStarted,
    ImageBuiltAgain,
    RunAnnounced,
    RunDelayed,
    RunFinished,
    RunHeld,
    RunSigned,
)
from dropforge.domain.training_job import ModelArtifact, StatusTransition
from dropforge.workflow.ports import MetadataStore
from tests.contract.records import NOON, a_dataset, a_request, an_image, later

ADA = Requester(RequesterKind.USER, "arn:aws:iam::111122223333:user/ada")
BUCKET, KEY = "training-bucket", "digits/train/caf\u00e9 1.csv"
LISTED = ListedObject(KEY, "v1", 7)
MEMBER = ObjectVersion("train", KEY, "v1", 7, "ab" * 32)
DROP = ObjectDropped(BUCKET, KEY, "v1", 7, "0055AED6DCD90281E5", "AWS:ADA", "203.0.113.17", NOON)
PIN = Pin(LISTED, "datasets/digits/pools/train/000001/caf\u00e9 1.csv")
KNOWN = Checksum("cd" * 32, ChecksumSource.COPIED)
NOTICE = Notice(
    kind=Outcome.REFUSED,
    project="digits",
    subject="an object is empty",
    sentence="empty.csv is empty: put it again.",
    at=NOON,
    evidence={"key": "digits/empty.csv", "version_id": "v7"},
    details=("0 bytes",),
)
RESULT = RunResult(
    metrics={"accuracy": Decimal("0.950"), "loss": Decimal("1E-7")},
    model=ModelArtifact("s3://artifacts/runs/1/model.tar.gz", "v1", 1234, "ef" * 32),
    started_at=later(minutes=1),
    ended_at=later(minutes=2),
    billable_seconds=60,
    cost_usd=Decimal("0.0019"),
    log_tail=("epoch 1", "accuracy=0.950"),
    where="AWS us-east-1",
    transitions=(StatusTransition("Starting", later(minutes=1), "Launching"),),
)


def write_every_item(store: MetadataStore) -> None:
    """Into an empty store."""
    store.advance_image(an_image())
    store.put_dataset(a_dataset(), [MEMBER])
    store.advance_data(SealedData(a_dataset(), 1, ADA))
    store.record_drop("digits", DROP)
    store.record_checksum(BUCKET, LISTED, KNOWN)
    store.note_latest(DROP)
    store.touch_seal("digits", "AWS:ADA", NOON, later(seconds=60))
    store.touch_object("digits", DROP, later(seconds=30))
    store.next_pool("digits", "train", after=0)
    store.bind([PIN])
    store.record_copies([(PIN, KNOWN)])
    for version in ("sha256:1", "sha256:2"):
        store.record_rebuild(Rebuild("digits", version, ADA, NOON, revision=3))
    store.rebuild_started("digits", "sha256:1", "execution-1")
    store.claim_rebuild("digits", "sha256:1", an_image().digest)
    store.delay_rebuild("digits", "sha256:2", StartDelay(2, later(minutes=1)))
    store.set_pause(Pause(None, "ops", NOON))
    store.set_pause(Pause("digits", "ada", NOON))
    store.note_congestion(Congestion("ml.m5.large", 2, later(minutes=1), 8))
    store.put_notice(NOTICE)
    _write_runs(store)


def _write_runs(store: MetadataStore) -> None:
    """One that ended and is announced and signed, its reproduction, and one each that waits, is held and runs."""
    run = store.commit(None, a_request())
    again = replace(an_image("c2").build, execution_id="execution-again")
    for event in (
        ImageBuiltAgain(later(seconds=1), again, ADA),
        AttemptIntended(later(seconds=2), 1, "job"),
        AttemptStarted(later(seconds=3), 1, "arn:aws:job"),
        RunFinished(later(minutes=3), Outcome.COMPLETED, RESULT, attempt=1),
    ):
        run = store.commit(run, event)
    run = store.commit(run, RunAnnounced(later(minutes=4), run.trail.sequence, Outcome.COMPLETED))
    head = StoredStatement("s3://audit/heads/1", "v1")
    store.commit(run, RunSigned(later(minutes=5), run.trail, head, StoredStatement("s3://artifacts/1", "v2")))
    repeated = replace(a_request(), run_id="7" * 20, at=later(days=1), reproduces=Reproduction(run.id, 1))
    store.commit(None, repeated)
    waits, held, runs = (store.commit(None, a_request(seed=seed, at=later(hours=2))) for seed in ("2", "3", "4"))
    store.commit(waits, RunDelayed(later(hours=3), later(hours=4), DelayCause.LIMIT, "2 runs are open"))
    store.commit(held, RunHeld(later(hours=3), Outcome.HELD, "ml.p4d.24xlarge is not allowed", "push"))
    store.commit(runs, AttemptIntended(later(hours=3), 1, "job-2"))


def answers(store: MetadataStore) -> Iterator[tuple[str, Any]]:
    """Every question, by its name, with what the store says; runs are compared whole."""
    image, data, rebuilt = an_image(), a_dataset(), ("sha256:1", "sha256:2")
    yield "head", store.head("digits")
    yield "image", store.image("digits", image.digest)
    yield "build", store.build("digits", image.execution_id)
    yield "dataset", store.dataset("digits", data.version)
    for version in ("v1", None):
        yield f"datasets of {version}", store.datasets_of_object(BUCKET, KEY, version, 5)
    yield "drop", store.drop(BUCKET, KEY, "v1")
    yield "drops", dict(store.drops_of([ObjectRef(BUCKET, KEY, "v1")]))
    yield "checksums", dict(store.checksums(BUCKET, [LISTED]))
    yield "latest", store.latest_version(BUCKET, KEY)
    yield "seal", store.seal_timer("digits")
    yield "seal of an object", store.seal_timer("digits", DROP.ref)
    yield "due seals", store.due_seals(later(days=1))
    yield "pool", store.pool("digits", "train")
    yield "bindings", dict(store.bind([PIN]))
    yield "rebuilds", [store.rebuild("digits", version) for version in rebuilt]
    yield "unstarted", store.unstarted_rebuilds()
    yield "pauses", [store.pause(project) for project in (None, "digits")]
    yield "congestion", store.congestion()
    yield "notices", (store.notice(NOTICE.id), store.notices(5))
    yield "pending", store.pending_announcements()
    yield from _answers_on_runs(store)


def _answers_on_runs(store: MetadataStore) -> Iterator[tuple[str, Any]]:
    image, data = an_image(), a_dataset()
    runs = store.runs_of_project("digits", 10)
    yield "runs", runs
    yield "each run", [(store.run(run.id), store.trail(run.id)) for run in runs]
    yield "by their names", {run.id: store.runs_with_prefix(run.id[:5]) for run in runs}
    yield "announcements", [store.announcement(key) for run in runs for key in _announcements(run)]
    yield "of commits", [store.runs_of_commit(commit, 10) for commit in ("c1", "c2")]
    yield "of the dataset", store.runs_of_dataset("digits", data.version, 10)
    yield "of the image", store.runs_of_image(image.digest, 10)
    yield "of the model", store.runs_of_model("ef" * 32)
    yield "reproductions", [store.reproductions_of(run.id, 10) for run in runs]
    yield "waiting", _ids(store.waiting_runs("digits", later(days=9)))
    yield "open", _ids(store.open_runs())
    yield "held", _ids(store.held_runs("digits"))
    yield "unsigned", _ids(store.unsigned_runs())
    yield "load", store.load("digits", NOON.date())


def _announcements(run: Run) -> list[AnnouncementKey]:
    return [AnnouncementKey(SubjectKind.RUN, run.id, number) for number in range(1, run.trail.sequence + 1)]


def _ids(refs: Iterator[RunRef]) -> set[str]:
    return {ref.id for ref in refs}
