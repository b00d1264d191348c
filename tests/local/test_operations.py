"""What ops do to a stage that is in use: stop it, start it, add a project."""

from __future__ import annotations

import pytest

from tests.local.trial import Trial

pytestmark = pytest.mark.local


def test_a_local_aws_that_was_stopped_and_started_between_push_and_drop_goes_on(disturbed: Trial) -> None:
    image = disturbed.pushed("interrupted")
    disturbed.local.stop()
    assert disturbed.local.start() == disturbed.bench.environment

    assert disturbed.head("interrupted").image == image
    disturbed.drop("interrupted")
    assert disturbed.completed(disturbed.new_run("interrupted").id).image == image


def test_another_project_is_a_few_lines_of_yaml_and_a_deployment(disturbed: Trial) -> None:
    with disturbed.config.open("a") as config:
        config.write("  added: { repository: example/added, seal: { quiet_seconds: 1 } }\n")
    disturbed.deploy()

    image = disturbed.again().pushed("added")
    disturbed.drop("added")
    assert disturbed.completed(disturbed.new_run("added").id).image == image
