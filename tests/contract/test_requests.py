"""What each question costs, and what a lost answer does: of the real store alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from itertools import islice
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ConnectionClosedError
from botocore.httpsession import URLLib3Session

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.dynamodb.store import DynamoMetadataStore
from dropforge.adapters.dynamodb.tables import Tables
from dropforge.domain.artifact_layout import manifest_key
from dropforge.domain.dataset import Dataset, ListedObject, Manifest, ObjectVersion
from dropforge.domain.drop import ObjectRef
from dropforge.domain.head import SealedData
from dropforge.domain.run import RunRef
from dropforge.domain.run_events import AttemptIntended
from dropforge.workflow.trace_lineage import trace_lineage
from tests.contract.records import NOON, a_dataset, a_request, an_image, later
from tests.fakes.world import World

pytestmark = pytest.mark.local


@pytest.fixture
def store(tables: Tables) -> DynamoMetadataStore:
    return DynamoMetadataStore(tables)


@contextmanager
def requests_of(aws: AwsClients) -> Iterator[list[str]]:
    """The operations that are sent to DynamoDB meanwhile."""
    sent: list[str] = []

    def note(request: AWSPreparedRequest, **_: Any) -> None:
        target = request.headers["X-Amz-Target"]
        sent.append((target.decode() if isinstance(target, bytes) else target).rpartition(".")[2])

    events = aws.dynamodb.meta.events
    events.register("before-send.dynamodb", note)
    try:
        yield sent
    finally:
        events.unregister("before-send.dynamodb", note)


PROJECTS = [f"project-{number}" for number in range(40)]
MANY_OBJECTS = [ObjectRef("training-bucket", f"digits/{number}", "v1") for number in range(100)]


def next_page(store: DynamoMetadataStore, run_id: str) -> object:
    run = store.run(run_id)
    assert run is not None
    return store.runs_of_project("digits", 20, RunRef(run.id, run.project, run.requested_at, run.status))


def next_page_of_the_commit(store: DynamoMetadataStore, run_id: str) -> object:
    run = store.run(run_id)
    assert run is not None
    return store.runs_of_commit("c1", 20, RunRef(run.id, run.project, run.requested_at, run.status))


QUESTIONS: list[tuple[str, Callable[[DynamoMetadataStore, str], object], int]] = [
    ("a run", lambda store, run: store.run(run), 1),
    ("its trail", lambda store, run: store.trail(run), 1),
    ("runs of a project by time", lambda store, _: store.runs_of_project("digits", 20), 1),
    ("runs of a commit", lambda store, _: store.runs_of_commit("c1", 20), 1),
    ("runs of a dataset", lambda store, _: store.runs_of_dataset("digits", a_dataset().version, 20), 1),
    ("datasets of an object", lambda store, _: store.datasets_of_object("training-bucket", "digits/a", None, 10), 1),
    ("runs of a project that wait, by due time", lambda store, _: list(store.waiting_runs("digits", NOON)), 1),
    ("of each project the first in line", lambda store, _: store.first_in_line(NOON), 2),
    ("open runs", lambda store, _: list(store.open_runs()), 1),
    ("held runs", lambda store, _: list(store.held_runs("digits")), 1),
    ("pending announcements", lambda store, _: store.pending_announcements(), 1),
    ("a project's head", lambda store, _: store.head("digits"), 1),
    ("a project's load", lambda store, _: store.load("digits", date(2026, 1, 31)), 1),
    ("due seals", lambda store, _: store.due_seals(NOON), 1),
    ("unstarted rebuilds", lambda store, _: store.unstarted_rebuilds(), 1),
    ("notices", lambda store, _: store.notices(20), 1),
    ("runs of a project, the page after a run", next_page, 2),
    ("runs of an image", lambda store, _: store.runs_of_image(an_image().digest), 2),
    ("runs of a model", lambda store, _: store.runs_of_model("ab" * 32), 1),
    ("who dropped many object versions", lambda store, _: store.drops_of(MANY_OBJECTS), 1),
    ("an image, in any project", lambda store, _: store.images_of_digest(PROJECTS, an_image().digest), 1),
    ("a dataset, in any project", lambda store, _: store.datasets_of_version(PROJECTS, a_dataset().version), 1),
    ("runs of a commit, the page after a run", next_page_of_the_commit, 2),
    ("reproductions of a run", lambda store, run: store.reproductions_of(run, 20), 1),
    ("datasets of an object version", lambda store, _: store.datasets_of_object("b", "digits/a", "v1", 10), 1),
    ("a run by the beginning of its id", lambda store, run: store.runs_with_prefix(run[:6]), 2),
]


@pytest.mark.parametrize(("ask", "most"), [question[1:] for question in QUESTIONS], ids=[each[0] for each in QUESTIONS])
def test_a_question_costs_no_more_requests_than_this(
    store: DynamoMetadataStore, local_aws: AwsClients, ask: Callable[[DynamoMetadataStore, str], object], most: int
) -> None:
    run = store.commit(None, a_request())
    with requests_of(local_aws) as sent:
        ask(store, run.id)
    assert 1 <= len(sent) <= most, sent


def test_a_line_is_read_as_far_as_it_is_followed(store: DynamoMetadataStore, local_aws: AwsClients) -> None:
    for number in range(30):
        store.commit(None, a_request(seed=str(number), at=later(seconds=number)))
    with requests_of(local_aws) as sent:
        (first,) = store.first_in_line(later(hours=1))
        behind = store.waiting_runs("digits", later(hours=1), after=first)
        assert len(sent) == 2
        assert len(list(islice(behind, 20))) == 20
        assert len(sent) == 3
        assert len(list(behind)) == 9
        assert len(sent) == 4


def test_an_event_is_one_request(store: DynamoMetadataStore, local_aws: AwsClients) -> None:
    run = store.commit(None, a_request())
    with requests_of(local_aws) as sent:
        store.commit(run, AttemptIntended(later(seconds=1), 1, "job"))
    assert sent == ["TransactWriteItems"]


def test_half_a_head_is_written_and_both_are_read_in_one_request(
    store: DynamoMetadataStore, local_aws: AwsClients
) -> None:
    store.advance_image(an_image())
    with requests_of(local_aws) as sent:
        store.advance_data(SealedData(a_dataset(), 1))
    assert sent == ["UpdateItem"]


def test_many_objects_are_asked_for_a_hundred_at_a_time_and_recorded_twenty_five_at_a_time(
    store: DynamoMetadataStore, local_aws: AwsClients
) -> None:
    objects = [ObjectVersion("train", f"digits/{number}", "v1", 1, "ab" * 32) for number in range(250)]
    with requests_of(local_aws) as sent:
        store.put_dataset(a_dataset(), objects)
    assert sent == ["BatchWriteItem"] * 10 + ["PutItem"]
    with requests_of(local_aws) as sent:
        store.checksums("training-bucket", [ListedObject(each.key, each.version_id, 1) for each in objects])
    assert sent == ["BatchGetItem"] * 3


def test_an_event_whose_answer_was_lost_is_written_once(store: DynamoMetadataStore, local_aws: AwsClients) -> None:
    run = store.commit(None, a_request())
    events, lost = local_aws.dynamodb.meta.events, list[int]()

    def lose_the_first_answer(request: AWSPreparedRequest, **_: Any) -> None:
        if not lost:
            lost.append(URLLib3Session().send(request).status_code)
            raise ConnectionClosedError(endpoint_url=request.url)

    events.register("before-send.dynamodb.TransactWriteItems", lose_the_first_answer)
    try:
        started = store.commit(run, AttemptIntended(later(seconds=1), 1, "job"))
    finally:
        events.unregister("before-send.dynamodb.TransactWriteItems", lose_the_first_answer)
    assert lost == [200]
    assert store.run(run.id) == started
    assert store.load("digits", date(2026, 1, 31)).open_runs == 1


def test_the_lineage_of_anything_costs_as_much_after_sixty_runs_as_after_ten(
    store: DynamoMetadataStore, local_aws: AwsClients
) -> None:
    ports = replace(World().ports, store=store)
    objects = [ObjectVersion("train", f"digits/{number}", "v1", 1, "ab" * 32) for number in range(3)]
    manifest = Manifest.of("training-bucket", objects)
    dataset = Dataset.of("digits", manifest, NOON)
    ports.bucket.put_manifest(manifest_key("digits", dataset.version), manifest)
    store.put_dataset(dataset, objects)
    store.advance_image(an_image())

    def costs(runs: range) -> dict[str, int]:
        for number in runs:
            asked_for = replace(a_request(seed=str(number)), run_id=f"{number:020x}", dataset=dataset)
            last = store.commit(None, replace(asked_for, image=replace(asked_for.image, commit="c" * 40)))
        names = {
            "run": last.id,
            "commit": "c" * 40,
            "image": last.image.digest,
            "dataset": dataset.version,
            "object": "s3://training-bucket/digits/1",
        }
        return {kind: asked(name) for kind, name in names.items()}

    def asked(name: str) -> int:
        with requests_of(local_aws) as sent:
            assert trace_lineage(ports, name).links
        return len(sent)

    after_ten, after_sixty = costs(range(10)), costs(range(10, 60))
    assert after_ten == after_sixty
    assert max(after_sixty.values()) <= 6, after_sixty
