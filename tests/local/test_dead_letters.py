"""What could not be handled is shown with its reason by one command, and sent back by another."""

from __future__ import annotations

import json

import pytest

from tests.local.trial import Trial

pytestmark = pytest.mark.local

QUEUE, DEAD = "job-state", "job-state-dead-letters"


def test_a_message_that_fails_each_time_is_shown_with_what_its_function_said_and_can_be_sent_back(
    disturbed: Trial,
) -> None:
    job = f"{disturbed.deployment.name}-{'0' * 20}-01"
    with disturbed.impatient(QUEUE):
        changed = {"detail-type": "SageMaker Training Job State Change", "detail": {"TrainingJobName": job}}
        disturbed.send(QUEUE, json.dumps(changed))
        disturbed.eventually(
            lambda: disturbed.dropforge("dead-letters", DEAD, "--json").document or None,
            "the message among the dead letters",
            disturbed.patience.build,
        )
    shown = disturbed.dropforge("dead-letters", DEAD).out
    assert f"training job {job} is of no run on record: look who created it" in " ".join(shown.split())

    assert "job-state-dead-letters: 1 message sent back" in disturbed.dropforge("dead-letters", DEAD, "--redrive").out
    assert "No dead letters." in disturbed.dropforge("dead-letters", DEAD).said
