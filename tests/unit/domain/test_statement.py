from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dropforge.domain.run import Run, RunStatus
from dropforge.domain.statement import ModelProvenance, StatementError, TrailStatement
from tests.fakes.signed_world import world_with_a_signed_run


@pytest.fixture(scope="module")
def run() -> Run:
    return world_with_a_signed_run()[1]


@pytest.mark.parametrize("repository", ["example/digits", None])
def test_a_models_provenance_comes_back_from_its_statement(run: Run, repository: str | None) -> None:
    provenance = ModelProvenance.of(run, run.trail, "arn:key", "dropforge-test", repository)
    assert ModelProvenance.from_payload(provenance.to_payload()) == provenance


def test_a_trails_head_comes_back_from_its_statement(run: Run) -> None:
    statement = TrailStatement(run.id, run.project, "dropforge-test", RunStatus.FAILED, run.changed_at, run.trail)
    assert TrailStatement.from_payload(statement.to_payload()) == statement


def test_a_run_without_a_hashed_model_has_no_provenance(run: Run) -> None:
    with pytest.raises(ValueError, match="has no model with a known SHA-256"):
        ModelProvenance.of(replace(run, result=None), run.trail, "arn:key", "dropforge-test", None)


def test_a_statement_of_another_kind_is_refused_by_name(run: Run) -> None:
    payload = ModelProvenance.of(run, run.trail, "arn:key", "dropforge-test", None).to_payload()
    with pytest.raises(StatementError, match=r"is a https://slsa\.dev/provenance/v1 and not a urn:dropforge:trail"):
        TrailStatement.from_payload(payload)


@pytest.mark.parametrize("left_out", ["subject", "predicateType", "predicate"])
def test_a_statement_that_lacks_something_is_refused(run: Run, left_out: str) -> None:
    document = json.loads(ModelProvenance.of(run, run.trail, "arn:key", "dropforge-test", None).to_payload())
    del document[left_out]
    with pytest.raises(StatementError, match="read it with the release that signed it"):
        ModelProvenance.from_payload(json.dumps(document).encode())
