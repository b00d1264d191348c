"""`make e2e STAGE=dev`: the main job on a real AWS account. It costs money, says first how much, and cleans up."""

from __future__ import annotations

from pathlib import Path

import pytest

from dropforge.documents.training_spec import read_training_spec
from tests.e2e.account import YES, CannotStartError, agreed, on_account
from tests.e2e.cost import statement
from tests.journey.deployed_stage import PROGRAM

pytestmark = pytest.mark.e2e


def test_a_push_and_a_drop_become_one_trained_recorded_announced_model_on_a_real_account(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    try:
        job, config = on_account(request.config.getoption("--stage"), tmp_path)
    except CannotStartError as error:
        pytest.fail(str(error), pytrace=False)
    if not agreed(statement(config, read_training_spec(PROGRAM / "dropforge.yaml"))):
        pytest.skip(f"not agreed to the cost: answer y, or set {YES}=1")
    with job.deployed():
        job.connect()
        job.train()
