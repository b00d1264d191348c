from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import pytest
from openlineage.client.event_v2 import RunState

from dropforge.adapters.sinks.open_lineage_events import lineage_events, run_uuid
from dropforge.domain.announcement import Outcome
from dropforge.domain.run import Requester, RequesterKind, Run, RunResult
from dropforge.domain.run_events import (
    AttemptFailed,
    AttemptIntended,
    AttemptStarted,
    RunEvent,
    RunFinished,
    RunRetried,
    RunWithdrawn,
)
from dropforge.domain.state_change import state_change_of
from dropforge.domain.state_report import StateReport
from dropforge.domain.training_job import JobState, JobStatus, ModelArtifact
from tests.fakes.lineage_reader import read_lineage
from tests.fakes.specimens import ADA, after
from tests.fakes.world import DIGITS, START

JOB = "dropforge-test-1-01"
LATER = START + timedelta(minutes=4)
INTENDED = AttemptIntended(START, 1, JOB)
STARTED = AttemptStarted(START, 1, "arn:job")
MODEL = ModelArtifact("s3://artifacts/runs/3f2a/01/job/output/model.tar.gz", "v7", 1200, "0" * 64)
RESULT = RunResult(metrics={"accuracy": Decimal("0.970")}, model=MODEL, cost_usd=Decimal("0.31"))
DONE = RunFinished(LATER, Outcome.COMPLETED, RESULT, attempt=1)


def events_after(*events: RunEvent, now: Run | None = None) -> list[dict[str, Any]]:
    """What the last of these events gives; the run is by `now` where a later state is on record already."""
    run = after(*events)
    change = state_change_of("dropforge-test", run)
    assert change is not None
    return [*lineage_events(StateReport(change, now or run, DIGITS), "mlops")]


def kinds(*events: RunEvent, now: Run | None = None) -> list[RunState | None]:
    """As OpenLineage's own client reads them."""
    return [read_lineage(event).eventType for event in events_after(*events, now=now)]


def test_a_job_that_began_is_a_start_on_the_data_that_it_reads() -> None:
    [event] = events_after(INTENDED, STARTED)
    read = read_lineage(event)
    assert read.eventType is RunState.START
    assert (read.job.namespace, read.job.name) == ("mlops", "digits")
    [data] = event["inputs"]
    assert (data["namespace"], data["name"]) == ("s3://training-bucket", "digits")
    assert data["facets"]["version"]["datasetVersion"] == "sha256:" + "2" * 64
    assert data["inputFacets"]["inputStatistics"]["fileCount"] == 3
    assert event["outputs"] == []


def test_a_completed_run_says_which_version_of_which_model_it_left_and_how_good_that_is() -> None:
    [event] = events_after(INTENDED, STARTED, DONE)
    assert read_lineage(event).eventType is RunState.COMPLETE
    [model] = event["outputs"]
    assert (model["namespace"], model["name"]) == ("s3://artifacts", "runs/3f2a/01/job/output/model.tar.gz")
    assert model["facets"]["version"]["datasetVersion"] == "v7"
    assert model["outputFacets"]["outputStatistics"]["size"] == 1200
    tags = {each["key"]: each["value"] for each in event["run"]["facets"]["tags"]["tags"]}
    assert tags["metric.accuracy"] == "0.970"
    assert tags["cost_usd"] == "0.31"
    assert event["run"]["facets"]["executionParameters"]["parameters"] == [{"key": "epochs", "value": "40"}]


def test_the_source_is_the_commit_in_its_repository() -> None:
    [event] = events_after(INTENDED, STARTED)
    source = event["job"]["facets"]["sourceCodeLocation"]
    assert source["url"] == "https://github.com/example/digits/tree/c1"
    assert (source["type"], source["version"], source["branch"]) == ("git", "c1", "main")


def test_a_failed_run_says_why_and_a_stopped_one_is_aborted() -> None:
    failed = RunFinished(LATER, Outcome.FAILED, RunResult(reason="ValueError: no"), attempt=1)
    [event] = events_after(INTENDED, STARTED, failed)
    assert read_lineage(event).eventType is RunState.FAIL
    assert event["run"]["facets"]["errorMessage"]["message"] == "ValueError: no"
    stopped = RunFinished(LATER, Outcome.STOPPED, RunResult(reason="somebody stopped it"), attempt=1)
    assert kinds(INTENDED, STARTED, stopped) == [RunState.ABORT]


def test_each_attempt_is_a_run_of_openlineage_with_one_start_and_one_end() -> None:
    state = JobState(JobStatus.FAILED, "Failed", LATER)
    broke = AttemptFailed(LATER, 1, state, "InternalServerError", LATER)
    second = AttemptIntended(LATER, 2, "dropforge-test-1-02")
    begins = AttemptStarted(LATER, 2, "arn:job-2")
    told = [
        *events_after(INTENDED, STARTED),
        *events_after(INTENDED, STARTED, broke),
        *events_after(INTENDED, STARTED, broke, second, begins),
    ]
    assert [(event["eventType"], event["run"]["runId"]) for event in told] == [
        ("START", run_uuid("mlops", JOB)),
        ("FAIL", run_uuid("mlops", JOB)),
        ("START", run_uuid("mlops", "dropforge-test-1-02")),
    ]
    assert told[1]["run"]["facets"]["errorMessage"]["message"] == "InternalServerError"


def test_an_end_whose_start_was_never_seen_brings_it_along() -> None:
    assert kinds(INTENDED, DONE) == [RunState.START, RunState.COMPLETE]


def test_a_start_is_the_same_whenever_it_is_told() -> None:
    at_once = events_after(INTENDED, STARTED)
    late = events_after(INTENDED, STARTED, now=after(INTENDED, STARTED, DONE))
    assert json.dumps(at_once) == json.dumps(late)
    assert at_once[0]["run"]["runId"] == str(uuid5(UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8"), f"mlops/{JOB}"))


RETRIED = RunRetried(LATER + timedelta(minutes=1), Requester(RequesterKind.USER, "ada"))
FAILED = RunFinished(LATER, Outcome.FAILED, RunResult(reason="no"), attempt=1)
WITHDRAWN = RunWithdrawn(LATER, Outcome.STOPPED, "ada stopped it", ADA)


@pytest.mark.parametrize(
    "events",
    [(), (INTENDED,), (WITHDRAWN,), (INTENDED, STARTED, FAILED, RETRIED)],
    ids=["it waits", "it is about to begin", "it ended without a job", "it is to be tried again"],
)
def test_where_no_attempt_began_or_ended_there_is_nothing_to_tell(events: tuple[RunEvent, ...]) -> None:
    assert kinds(*events) == []


def test_an_attempt_that_ended_is_not_ended_again_with_the_run() -> None:
    withdrawn = replace(WITHDRAWN, at=RETRIED.at + timedelta(minutes=1))
    assert kinds(INTENDED, STARTED, FAILED, RETRIED, withdrawn) == []


def test_a_run_whose_project_was_removed_is_told_without_its_source() -> None:
    run = after(INTENDED, STARTED)
    change = state_change_of("dropforge-test", run)
    assert change is not None
    [event] = lineage_events(StateReport(change, run), "mlops")
    read = read_lineage(event)
    assert read.job.facets is not None
    assert "sourceCodeLocation" not in read.job.facets
