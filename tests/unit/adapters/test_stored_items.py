"""Items as an earlier release wrote them, kept as files: they are never regenerated, only added to."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dropforge.adapters.dynamodb.announcement_items import announcement_in
from dropforge.adapters.dynamodb.announcements import notice_in
from dropforge.adapters.dynamodb.items import NewerSchemaError, decoded, encoded, item
from dropforge.adapters.dynamodb.rebuilds import rebuild_in
from dropforge.adapters.dynamodb.runs import run_in, run_ref_in, trail_entry_in
from dropforge.adapters.table_layout import Key
from dropforge.domain.announcement import AnnouncementKey, Outcome, SubjectKind
from dropforge.domain.run import RunStatus
from dropforge.domain.run_events import RunFinished, RunRequested, event_from_document
from dropforge.domain.trail import verify

SCHEMA_1: dict[str, Any] = json.loads(
    (Path(__file__).parent / "stored_items" / "schema_1.json").read_text(encoding="utf-8")
)


def test_a_run_of_schema_1_is_read_whole() -> None:
    run = run_in(decoded(SCHEMA_1["run"]))
    assert run.status is RunStatus.COMPLETED
    assert run.spec.hyperparameters == {"learning-rate": "1.0", "epochs": "007", "name": "naïve, 日本", "seed": "1"}
    assert run.result is not None
    assert run.result.metrics["accuracy"] == Decimal("0.950")
    assert run.result.model is not None
    assert run.result.model.sha256 == "ab" * 32
    assert run_ref_in(decoded(SCHEMA_1["run"])).id == run.id


def test_a_trail_of_schema_1_verifies_against_its_runs_head() -> None:
    run = run_in(decoded(SCHEMA_1["run"]))
    entries = [trail_entry_in(run.id, decoded(each)) for each in SCHEMA_1["trail"]]
    verify(entries, run.trail)
    events = [event_from_document(entry.document()) for entry in entries]
    assert isinstance(events[0], RunRequested)
    assert isinstance(events[-1], RunFinished)


def test_an_announcement_a_notice_and_a_rebuild_of_schema_1_are_read() -> None:
    run = run_in(decoded(SCHEMA_1["run"]))
    announcement = announcement_in(decoded(SCHEMA_1["announcement"]))
    assert announcement.key == AnnouncementKey(SubjectKind.RUN, run.id, run.trail.sequence)
    assert notice_in(decoded(SCHEMA_1["notice"])).kind is Outcome.REFUSED
    assert rebuild_in(decoded(SCHEMA_1["rebuild"])).execution_id == "execution-1"


def test_an_item_of_a_later_schema_is_refused_by_name() -> None:
    newer = SCHEMA_1["run"] | {"schema": {"N": "2"}}
    with pytest.raises(NewerSchemaError, match="has schema 2"):
        decoded(newer)


def test_text_numbers_and_truth_values_come_back_as_they_were() -> None:
    values = item(Key("p", "s"), {"text": "", "number": -7, "yes": True, "no": False, "left out": None})
    assert decoded(encoded(values)) == values
    assert "left out" not in values
