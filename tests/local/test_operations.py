"""What ops do to a stage that is in use: stop it, start it, add a project."""

from __future__ import annotations

import pytest

from tests.local.trial import Trial

pytestmark = pytest.mark.local


def test_another_project_is_a_few_lines_of_yaml_and_a_deployment_and_goes_on_where_a_restart_cut_it_off(
    disturbed: Trial,
) -> None:
    with disturbed.config.open("a") as config:
        config.write("  added: { repository: example/added, seal: { quiet_seconds: 1 } }\n")
    disturbed.deploy()
    image = disturbed.again().pushed("added")

    disturbed.local.stop()
    assert disturbed.local.start() == disturbed.bench.environment
    assert disturbed.head("added").image == image
    disturbed.drop("added")
    assert disturbed.completed(disturbed.new_run("added").id).image == image
