from __future__ import annotations

import pytest

from dropforge.adapters.events.sagemaker import changed_job_in
from tests.unit.adapters.recorded_events import body


@pytest.mark.parametrize(
    "name",
    [
        "sagemaker_completed",
        "sagemaker_failed",
        "sagemaker_starting_with_nulls",
        "sagemaker_stopped_by_its_time_limit",
    ],
)
def test_the_job_is_named_whatever_else_the_event_lacks(name: str) -> None:
    assert changed_job_in(body(name)) == "dropforge-dev-0123456789abcdef0123-01"


def test_a_job_is_also_known_by_its_arn() -> None:
    event = (
        '{"detail-type": "SageMaker Training Job State Change", "detail": '
        '{"TrainingJobName": null, "TrainingJobArn": "arn:aws:sagemaker:eu-west-1:111122223333:training-job/a-1"}}'
    )
    assert changed_job_in(event) == "a-1"


def test_news_of_something_else_names_no_job() -> None:
    assert changed_job_in('{"detail-type": "SageMaker Model State Change", "detail": {}}') is None
