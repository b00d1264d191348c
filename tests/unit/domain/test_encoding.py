from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from dropforge.domain.announcement import Outcome
from dropforge.domain.encoding import decode, encode, encode_object, time_text
from dropforge.domain.errors import InvalidDocumentError
from dropforge.domain.notice import Notice
from dropforge.domain.project import Project
from dropforge.domain.run import Run, RunResult
from dropforge.domain.run_events import (
    AttemptIntended,
    AttemptStarted,
    RunFinished,
    RunRequested,
    event_document,
    event_from_document,
)
from dropforge.domain.training_job import JobState, JobStatus, ModelArtifact
from tests.fakes.specimens import after, requested
from tests.fakes.world import DIGITS, START


@dataclass(frozen=True)
class Box:
    count: int
    cost: Decimal | None = None
    labels: tuple[str, ...] = ()


def finished() -> RunFinished:
    model = ModelArtifact("s3://artifacts/model.tar.gz", "1", 7, "ab" * 32)
    result = RunResult(
        metrics={"accuracy": Decimal("0.9722")}, model=model, cost_usd=Decimal("0.0019"), started_at=START
    )
    return RunFinished(START, Outcome.COMPLETED, result, JobState(JobStatus.COMPLETED, "Completed", START))


def test_a_whole_run_survives_being_written_and_read() -> None:
    run = after(AttemptIntended(START, 1, "job"), AttemptStarted(START, 1, "arn"), finished())
    assert decode(Run, json.loads(json.dumps(encode(run)))) == run


@pytest.mark.parametrize("event", [requested(), AttemptIntended(START, 1, "job"), finished()])
def test_an_event_survives_the_trail(event: RunRequested | AttemptIntended | RunFinished) -> None:
    assert event_from_document(json.loads(json.dumps(event_document(event)))) == event


def test_an_event_of_a_later_release_is_told_apart() -> None:
    with pytest.raises(InvalidDocumentError, match="newer dropforge"):
        event_from_document({"type": "RunTeleported"})


def test_a_project_survives_its_document() -> None:
    assert Project.from_document(DIGITS.to_document()) == DIGITS


def test_a_member_with_a_default_may_be_missing_from_an_older_document() -> None:
    assert decode(Box, {"count": 1}) == Box(1)


def test_a_member_that_is_no_longer_is_passed_over_in_an_older_document() -> None:
    run = after()
    assert decode(Run, {**encode_object(run), "told_limits": ["concurrent_runs"]}) == run


def test_none_is_left_out() -> None:
    assert encode_object(Box(1)) == {"count": 1, "labels": []}


def test_a_member_that_was_left_out_as_none_reads_back_as_none() -> None:
    notice = Notice(Outcome.REFUSED, None, "refused", "It is empty.", START)
    assert decode(Notice, encode(notice)) == notice


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({}, "count is missing: add it"),
        ({"count": 1, "colour": "red"}, "colour is unknown: remove it; known are count, cost, labels"),
        ({"count": "1"}, "count is '1': write a whole number"),
        ({"count": True}, "count is True: write a whole number"),
        ({"count": 1, "labels": ["a", 2]}, r"labels\[1\] is 2: write text"),
        ({"count": 1, "cost": "much"}, "cost is 'much', which cannot be read: correct it"),
        ([], "the document is .*: write an object"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(document: object, sentence: str) -> None:
    with pytest.raises(InvalidDocumentError, match=sentence):
        decode(Box, document)


def test_an_unknown_value_is_answered_with_the_known_ones() -> None:
    document = {**DIGITS.to_document(), "on_data": "ignore"}
    with pytest.raises(InvalidDocumentError, match="on_data is 'ignore': write one of reuse, rebuild"):
        Project.from_document(document)


def test_times_are_written_in_utc_so_that_they_sort_as_text() -> None:
    berlin = datetime(2026, 1, 31, 13, tzinfo=timezone(timedelta(hours=1)))
    assert time_text(berlin) == time_text(datetime(2026, 1, 31, 12, tzinfo=UTC)) == "2026-01-31T12:00:00.000000Z"
    assert time_text(START) < time_text(START + timedelta(microseconds=1)) < time_text(START + timedelta(seconds=1))


def test_a_changed_value_is_a_changed_document() -> None:
    assert encode(replace(DIGITS, branch="next")) != encode(DIGITS)
