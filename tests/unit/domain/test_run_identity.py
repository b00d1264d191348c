from __future__ import annotations

from dataclasses import replace

import pytest

from dropforge.domain.dataset import ChannelSize
from dropforge.domain.job_request import TAG_REQUESTED_AT, is_same_job, job_request
from dropforge.domain.run import run_id
from dropforge.domain.run_events import AttemptIntended
from dropforge.domain.training_job import LONGEST_JOB_NAME, job_name, parse_job_name
from dropforge.domain.training_spec import Compute, InputMode, TrainingSpec
from dropforge.domain.transition import transition
from tests.fakes.specimens import after, with_channels
from tests.fakes.world import START

SPEC = TrainingSpec(hyperparameters={"epochs": "40", "depth": "3"})
RUN = "0123456789abcdef0123"


def test_the_same_inputs_are_the_same_run_however_they_were_written() -> None:
    reordered = TrainingSpec(hyperparameters={"depth": "3", "epochs": "40"})
    assert run_id("digits", "sha256:1", "sha256:2", SPEC) == run_id("digits", "sha256:1", "sha256:2", reordered)


def test_the_published_vector() -> None:
    assert run_id("digits", "sha256:1", "sha256:2", SPEC) == "1edb0615aab3981770fb"


def test_each_input_makes_another_run() -> None:
    runs = {
        run_id("digits", "sha256:1", "sha256:2", SPEC),
        run_id("cancer", "sha256:1", "sha256:2", SPEC),
        run_id("digits", "sha256:3", "sha256:2", SPEC),
        run_id("digits", "sha256:1", "sha256:3", SPEC),
        run_id("digits", "sha256:1", "sha256:2", SPEC.with_hyperparameters({"epochs": "80"})),
        run_id("digits", "sha256:1", "sha256:2", TrainingSpec(Compute("ml.m5.xlarge"), SPEC.hyperparameters)),
    }
    assert len(runs) == 6


def test_a_job_name_leads_back_to_its_run_and_attempt() -> None:
    assert job_name("dropforge-dev", RUN, 1) == f"dropforge-dev-{RUN}-01"
    assert parse_job_name("dropforge-dev", job_name("dropforge-dev", RUN, 12)) == (RUN, 12)


@pytest.mark.parametrize(
    "name",
    [f"dropforge-dev-2-{RUN}-01", f"dropforge-dev-{RUN[:-1]}-01", f"dropforge-dev-{RUN}", "dropforge-dev-mine-01"],
)
def test_another_deployments_job_is_told_apart_however_much_the_beginnings_agree(name: str) -> None:
    assert parse_job_name("dropforge-dev", name) is None


def test_the_longest_deployment_name_still_makes_a_job_name() -> None:
    assert len(job_name("d" * 39, RUN, 99)) == LONGEST_JOB_NAME


def test_every_channel_of_the_data_reaches_the_job_in_the_mode_that_the_spec_says() -> None:
    requested = with_channels({"training": ChannelSize(1, 1), "test": ChannelSize(1, 1)})
    spec = TrainingSpec(channels={"training": InputMode.PIPE}, checkpoints=True)
    change = transition(None, requested)
    assert change is not None
    run = change.run
    attempt = after(AttemptIntended(START, 1, "job")).attempts[0]
    request = job_request("dropforge-test", replace(run, spec=spec), attempt)
    below = f"manifests/digits/{'2' * 64}"
    assert request.channels == {
        "test": (f"{below}/test.json", InputMode.FILE),
        "training": (f"{below}/training.json", InputMode.PIPE),
    }
    assert request.output_prefix == f"runs/{run.id}/01/"
    assert request.checkpoint_prefix == f"runs/{run.id}/checkpoints/"


def test_a_job_of_a_removed_stage_of_the_same_name_is_not_taken_for_ours() -> None:
    run = after(AttemptIntended(START, 1, "job"))
    request = job_request("dropforge-test", run, run.attempts[0])
    assert is_same_job(request, request.tags)
    assert not is_same_job(request, {**request.tags, TAG_REQUESTED_AT: "2025-01-01T00:00:00.000000Z"})
    assert not is_same_job(request, {})
