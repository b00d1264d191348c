"""Runs that fail: recorded, and told to whom it concerns with the reason and what to do."""

from __future__ import annotations

import json
import shutil

import pytest

from dropforge.domain.run import Run, RunStatus
from tests.local.sharing import Document, SharedByWorkers
from tests.local.trial import ADA, GRACE, OPS, Trial

pytestmark = pytest.mark.local


@pytest.fixture
def trained(trial: Trial, shared: SharedByWorkers) -> Run:
    """A run of the project `faulty` that completed."""

    def train() -> Document:
        return {"run": trial.trained("faulty").id}

    return trial.run(shared.once("faulty", train)["run"])


def asked(trial: Trial, parameter: str) -> Run:
    return trial.settled(trial.dropforge("run", "faulty", "--param", parameter, "--json").document["id"])


def test_a_program_that_crashes_is_a_failed_run_whose_mail_has_the_reason_and_the_last_lines_of_the_log(
    trial: Trial, trained: Run
) -> None:
    run = asked(trial, "learning_rate=fast")

    assert run.status is RunStatus.FAILED
    assert run.result is not None
    assert "exit code: 1" in str(run.result.reason)
    assert run.result.log_tail[-1] == "ValueError: could not convert string to float: 'fast'"
    assert run.result.model is None
    for address in (GRACE, OPS):
        mail = trial.mail(address, run.id)
        assert mail.startswith("[dropforge] faulty failed: AlgorithmError")
        assert "ValueError: could not convert string to float: 'fast'" in mail
        assert "in main" in mail  # a line of the traceback
    assert trial.mails(ADA, run.id) == []  # she asked for what completed
    assert len(trial.mails(ADA, trained.id)) == 1


def test_a_program_that_seeks_a_network_in_vain_is_told_that_isolation_is_why_and_how_to_change_it(
    trial: Trial, trained: Run
) -> None:
    assert trained.spec.network_isolation
    run = asked(trial, "report_to=http://127.0.0.1:9/")

    assert run.status is RunStatus.FAILED
    mail = trial.mail(GRACE, run.id)
    assert "network isolation is on unless dropforge.yaml says otherwise" in mail
    assert "`network_isolation: false`" in mail


def test_with_checkout_repository_and_build_folder_gone_the_image_still_trains(trial: Trial) -> None:
    image = trial.pushed("forgotten")
    assert trial.built("forgotten", image.commit)["status"] == "Succeeded"
    shutil.rmtree(trial.opened("forgotten").folder)
    shutil.rmtree(trial.home.git / "example" / "forgotten.git")
    shutil.rmtree(trial.home.builds / "dropforge-trial-forgotten", ignore_errors=True)

    trial.drop("forgotten")
    assert trial.completed(trial.new_run("forgotten").id).image == image


def test_a_byte_changed_in_a_layer_fails_the_run_and_names_the_digest(trial: Trial) -> None:
    copy = trial.clone("tampered")
    copy.change("train.py", '"""Fits', '"""Really fits')  # a layer that no other image has
    image = trial.image_of("tampered", copy.push("Train"))
    answer = trial.aws.ecr.batch_get_image(
        repositoryName="dropforge-trial/tampered", imageIds=[{"imageDigest": image.digest}]
    )
    layer = json.loads(answer["images"][0]["imageManifest"])["layers"][-1]["digest"]
    stored = trial.home.images / "registry" / "blobs" / layer.removeprefix("sha256:")
    content = bytearray(stored.read_bytes())
    content[-9] ^= 1
    stored.write_bytes(content)

    trial.drop("tampered")
    run = trial.settled(trial.new_run("tampered").id)

    assert run.status is RunStatus.FAILED
    assert run.result is not None
    assert layer in str(run.result.reason)
    assert layer in trial.mail(OPS, run.id)
