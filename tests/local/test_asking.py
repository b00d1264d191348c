"""The command line on a deployed stage: what one types, and what comes back."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dropforge.domain.run import RequesterKind, RunStatus
from tests.local.story import PROJECT, Story
from tests.local.trial import Trial

pytestmark = pytest.mark.local


def test_the_same_inputs_asked_for_again_are_the_same_run(trial: Trial, story: Story) -> None:
    run = story.first_run()
    again = trial.dropforge("run", PROJECT, "--image", run.image.digest, "--dataset", run.dataset.version, "--json")

    assert again.code == 0
    assert again.document["id"] == run.id
    assert again.document["requester"]["kind"] == "drop"
    assert trial.run(run.id).attempts == run.attempts


def test_another_parameter_is_another_run_recorded_as_who_asked_and_can_be_watched(trial: Trial, story: Story) -> None:
    first = story.first_run()
    asked = trial.dropforge(
        "run",
        PROJECT,
        "--param",
        "epochs=50",
        "--image",
        first.image.digest,
        "--dataset",
        first.dataset.version,
        "--json",
    )
    watched = trial.dropforge("watch", asked.document["id"], "--every", "0.3")

    assert watched.code == 0, watched.said
    assert "completed: error " in watched.out
    run = trial.run(asked.document["id"])
    assert run.id != first.id
    assert run.status is RunStatus.COMPLETED
    assert (run.requester.kind, run.requester.name) == (RequesterKind.USER, "arn:aws:iam::000000000000:root")
    assert dict(run.spec.hyperparameters) == {**first.spec.hyperparameters, "epochs": "50"}
    assert (run.image, run.dataset) == (first.image, first.dataset)


def test_the_model_that_is_downloaded_is_the_recorded_one(trial: Trial, story: Story, tmp_path: Path) -> None:
    run = story.first_run()
    assert run.result is not None
    assert run.result.model is not None
    answer = trial.dropforge("download", run.id[:8], "--to", str(tmp_path / "model.tar.gz"), "--json")

    assert answer.code == 0, answer.said
    assert hashlib.sha256((tmp_path / "model.tar.gz").read_bytes()).hexdigest() == run.result.model.sha256
    assert answer.document["version_id"] == run.result.model.version_id


def test_the_log_of_a_run_is_what_its_program_printed(trial: Trial, story: Story) -> None:
    run = story.first_run()
    answer = trial.dropforge("logs", run.id)

    assert answer.code == 0
    assert "4 points; mean squared error=" in answer.out


def test_a_run_is_shown_as_a_person_reads_it(trial: Trial, story: Story) -> None:
    run = story.first_run()
    answer = trial.dropforge("show", run.id[:6])

    assert answer.code == 0
    for told in (
        run.id,
        run.image.commit,
        run.image.digest,
        run.dataset.version,
        "epochs = 200",
        "announced as completed",
    ):
        assert told in answer.out


def test_runs_are_listed_newest_first(trial: Trial, story: Story) -> None:
    third, second, first = story.other_code(), story.other_data(), story.first_run()
    listed = [each["id"] for each in trial.dropforge("runs", PROJECT, "--json").document]

    assert [each for each in listed if each in {first.id, second.id, third.id}] == [third.id, second.id, first.id]


def test_a_run_that_is_not_there_is_said_so_with_an_exit_code_of_its_own(trial: Trial) -> None:
    answer = trial.dropforge("show", "0000000000", "--json")

    assert answer.code == 3
    assert answer.out == ""
    assert "0000000000" in answer.said
