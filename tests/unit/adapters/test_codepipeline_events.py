from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dropforge.adapters.events.codepipeline import (
    ArtifactLocation,
    BuildRegistration,
    FailedExecution,
    failed_execution_in,
    job_id,
    registration_in,
)
from dropforge.adapters.events.members import EventError
from tests.unit.adapters.recorded_events import body, event


@pytest.mark.parametrize("name", ["codepipeline_job", "codepipeline_job_with_json_in_a_string"])
def test_a_job_says_what_to_register_and_where_the_build_left_its_words(name: str) -> None:
    assert registration_in(event(name)) == BuildRegistration(
        project="digits",
        commit="5f7c5b0c9a2e4c1d8b3a6f9e0d1c2b3a4f5e6d7c",
        branch="main",
        execution="8d5c0e2f-6f0b-4a5e-9e0a-1b2c3d4e5f60",
        dataset_version=None,
        artifact=ArtifactLocation("dropforge-dev-artifacts", "dropforge-dev-digits/BuildOutpu/fG7h2jk"),
    )


@pytest.mark.parametrize("name", ["codepipeline_job_without_parameters", "codepipeline_job_with_plain_text"])
def test_a_job_whose_parameters_cannot_be_read_can_still_be_answered(name: str) -> None:
    assert job_id(event(name)) == "c0d76431-b0e7-xmpl-97e3-e8ee786eb6f6"
    with pytest.raises(EventError, match="UserParameters are not a JSON object"):
        registration_in(event(name))


@pytest.mark.parametrize(
    "name",
    [
        "codepipeline_execution_failed",
        "codepipeline_execution_failed_after_a_start_by_hand",
        "codepipeline_execution_failed_without_trigger",
    ],
)
def test_a_failed_execution_is_known_by_pipeline_and_id_whatever_started_it(name: str) -> None:
    assert failed_execution_in(body(name)) == FailedExecution(
        pipeline="dropforge-dev-digits",
        execution="8d5c0e2f-6f0b-4a5e-9e0a-1b2c3d4e5f60",
        at=datetime(2026, 3, 2, 9, 40, tzinfo=UTC),
    )


def test_an_execution_that_succeeded_is_no_failure() -> None:
    assert failed_execution_in(body("codepipeline_execution_succeeded")) is None
