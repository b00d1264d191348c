"""What ops do to a stage that is in use: stop it, start it, add a project."""

from __future__ import annotations

import pytest

from tests.local.trial import Trial

pytestmark = [pytest.mark.local, pytest.mark.alone]


def test_a_local_aws_that_was_stopped_and_started_between_push_and_drop_goes_on(trial: Trial) -> None:
    image = trial.pushed("interrupted")
    trial.local.stop()
    assert trial.local.start() == trial.bench.environment

    assert trial.head("interrupted").image == image
    trial.drop("interrupted")
    assert trial.completed(trial.new_run("interrupted").id).image == image


def test_another_project_is_a_few_lines_of_yaml_and_a_deployment(trial: Trial) -> None:
    with trial.config.open("a") as config:
        config.write("  added: { repository: example/added, seal: { quiet_seconds: 1 } }\n")
    trial.deploy()

    image = trial.again().pushed("added")
    trial.drop("added")
    assert trial.completed(trial.new_run("added").id).image == image
