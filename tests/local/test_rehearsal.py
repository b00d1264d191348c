"""The end-to-end test's own code, against the local AWS: what it would do on an account, it does.

It deploys and removes the stage that other tests disturb (`disturbed` in `tests/local/conftest.py`).
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from dropforge.documents.stage_config import read_stage_config
from dropforge.documents.training_spec import read_training_spec
from dropforge.domain.run import Run, RunStatus
from tests.e2e.cost import costs, statement
from tests.journey.deployed_stage import PROGRAM

CONFIG = """
stage: rehearsal
region: us-east-1
removal: destroy
prices: { ml.m5.large: 0.115 }
projects:
  lines: { repository: example/lines, seal: { quiet_seconds: 1 } }
"""


@pytest.mark.local
def test_what_the_end_to_end_test_deployed_trains(lines: Run) -> None:
    assert lines.status is RunStatus.COMPLETED


def test_the_cost_is_said_before_anything_is_deployed(tmp_path: Path) -> None:
    file = tmp_path / "rehearsal.yaml"
    file.write_text(CONFIG)
    config, spec = read_stage_config(file), read_training_spec(PROGRAM / "dropforge.yaml")

    training, build, idle = (each.usd for each in costs(config, spec))
    assert training == Decimal("0.115") * 5 / 60
    assert build == Decimal("0.035")
    assert idle is not None
    assert "costs about 0.06 USD, by prices of us-east-1" in statement(config, spec)
