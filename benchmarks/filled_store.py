"""A metadata store as so many finished runs leave it, filled faster than they could run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.dynamodb.items import Item, encoded
from dropforge.adapters.dynamodb.store import DynamoMetadataStore
from dropforge.adapters.dynamodb.tables import Tables
from dropforge.adapters.s3 import S3DataBucket
from dropforge.domain.announcement import Outcome
from dropforge.domain.artifact_layout import channel_files_key, manifest_key, pool_prefix
from dropforge.domain.dataset import Dataset, Manifest, ObjectVersion
from dropforge.domain.drop import ObjectDropped
from dropforge.domain.image import Image
from dropforge.domain.pinning import ChannelFiles, files_of
from dropforge.domain.run import Requester, RequesterKind, Run, RunResult, run_id
from dropforge.domain.run_events import (
    AttemptIntended,
    AttemptStarted,
    JobStateObserved,
    RunAnnounced,
    RunEvent,
    RunFinished,
    RunRequested,
)
from dropforge.domain.training_job import JobState, JobStatus, ModelArtifact
from dropforge.domain.training_spec import TrainingSpec

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

PROJECT = "digits"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
POOL = pool_prefix(PROJECT, "training", 0)
MANIFESTS = 100
"""Of the newest runs, and of the oldest: only what may be asked for lies in the bucket."""
_AT_ONCE = 25

SPEC = TrainingSpec(hyperparameters={"epochs": "40", "learning_rate": "0.05", "depth": "3"})
IMAGE = Image(
    project=PROJECT,
    repository=f"dropforge-bench/{PROJECT}",
    digest="sha256:" + "1" * 64,
    uri=f"000000000000.dkr.ecr.us-east-1.amazonaws.com/dropforge-bench/{PROJECT}@sha256:" + "1" * 64,
    tag="c" * 40 + "-execution-1",
    commit="c" * 40,
    branch="main",
    execution_id="execution-1",
    execution_started_at=BEGIN,
    claimed_author="Ada Lovelace <ada@example.com>",
    message="Train for longer\n\nIt had not converged.",
    spec=SPEC,
    pushed_at=BEGIN,
)


class BulkTables(Tables):
    """Keeps what is put, and writes it twenty-five items a request: nobody else writes, so no condition is asked."""

    def __init__(self, clients: AwsClients, state: str, trail: str) -> None:
        super().__init__(clients, state, trail)
        self._waiting: dict[tuple[str, str, str], Any] = {}

    def put_all(self, items: Iterable[Item]) -> None:
        for each in items:
            self._keep(self.state, encoded(each))

    def put_if_absent(self, item: Item) -> bool:
        self._keep(self.state, encoded(item))
        return True

    def transact(self, writes: Sequence[TransactWriteItemTypeDef]) -> None:
        """Counters are left out: they count what is open, and nothing is."""
        for put in (write["Put"] for write in writes if "Put" in write):
            self._keep(put["TableName"], put["Item"])

    def flush(self) -> None:
        puts = [(table, {"PutRequest": {"Item": found}}) for (table, *_), found in self._waiting.items()]
        for start in range(0, len(puts), _AT_ONCE):
            request: dict[str, list[Any]] = {}
            for table, put in puts[start : start + _AT_ONCE]:
                request.setdefault(table, []).append(put)
            self._client.batch_write_item(RequestItems=request)
        self._waiting.clear()

    def _keep(self, table: str, found: Any) -> None:
        """A later put of an item takes the place of an earlier one."""
        self._waiting[table, found["pk"]["S"], found["sk"]["S"]] = found


def fill(tables: Tables, aws: AwsClients, bucket: S3DataBucket, runs: int) -> tuple[Run, Run]:
    """The first and the last of so many runs, a minute apart.

    All are of one image; each is on a dataset version of its own, that holds one object which all of them hold, and one
    of its own: of a prefix to which something was added each time.
    """
    bulk = BulkTables(aws, tables.state, tables.trail)
    store = DynamoMetadataStore(bulk)
    DynamoMetadataStore(tables).advance_image(IMAGE)
    ends = []
    for number in range(runs):
        at = BEGIN + timedelta(minutes=number)
        manifest = Manifest.of(bucket.name, _objects(number))
        dataset = Dataset.of(PROJECT, manifest, at)
        store.put_dataset(dataset, manifest.objects)
        if number < MANIFESTS or number >= runs - MANIFESTS:
            bucket.put_manifest(manifest_key(PROJECT, dataset.version), manifest)
            bucket.put_channel_files(channel_files_key(PROJECT, dataset.version, "training"), _copies(manifest))
        run: Run | None = None
        for event in _story(dataset, at):
            run = store.commit(run, event)
        if run is not None and number in {0, runs - 1}:
            ends.append(run)
        if number % 500 == 499 or number == runs - 1:
            bulk.flush()
    for each in _objects(runs - 1):
        DynamoMetadataStore(tables).record_drop(PROJECT, _drop(bucket.name, each))
    return ends[0], ends[-1]


def _objects(number: int) -> list[ObjectVersion]:
    always = ObjectVersion("training", f"{PROJECT}/digits.csv", "version-of-all", 1_200_000, "ab" * 32)
    return [always, replace(always, key=f"{PROJECT}/{number:06d}.csv", version_id=f"version-{number:06d}")]


def _copies(manifest: Manifest) -> ChannelFiles:
    return files_of(POOL, (POOL + each.key.removeprefix(f"{PROJECT}/") for each in manifest.objects), pinned=True)


def _drop(bucket: str, version: ObjectVersion) -> ObjectDropped:
    return ObjectDropped(bucket, version.key, version.version_id, version.size, "", "AWS:ADA", "203.0.113.17", BEGIN)


def _story(dataset: Dataset, at: datetime) -> Iterator[RunEvent]:
    """What happens to a run that completes."""
    identity = run_id(PROJECT, IMAGE.digest, dataset.version, SPEC)
    job, arn = f"dropforge-bench-{identity}-01", f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{identity}"
    uri = f"s3://{dataset.bucket.removesuffix('-training')}-artifacts/runs/{identity}/01/{job}/output/model.tar.gz"
    yield RunRequested(at, identity, PROJECT, IMAGE, dataset, SPEC, Requester(RequesterKind.DROP, "AWS:ADA"))
    yield AttemptIntended(at + timedelta(seconds=1), 1, job)
    yield AttemptStarted(at + timedelta(seconds=2), 1, arn)
    for second, state in ((5, "Downloading"), (9, "Training"), (40, "Uploading")):
        seen_at = at + timedelta(seconds=second)
        yield JobStateObserved(seen_at, 1, JobState(JobStatus.IN_PROGRESS, state, seen_at))
    result = RunResult(
        metrics={"accuracy": Decimal("0.95"), "loss": Decimal("0.173")},
        model=ModelArtifact(uri, "v1", 1_200_000, dataset.version.removeprefix("sha256:")),
        started_at=at + timedelta(seconds=2),
        ended_at=at + timedelta(seconds=50),
        billable_seconds=45,
        cost_usd=Decimal("0.0014"),
        log_tail=tuple(f"epoch {epoch}: accuracy=0.95, loss=0.173" for epoch in range(20)),
        where="the local AWS",
    )
    yield RunFinished(at + timedelta(seconds=51), Outcome.COMPLETED, result, attempt=1)
    yield RunAnnounced(at + timedelta(seconds=52), 7, Outcome.COMPLETED)
