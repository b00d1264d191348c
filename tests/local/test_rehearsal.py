"""The end-to-end test's own code, against the local AWS: what it would do on an account, it does."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from demo.workbench import Workbench
from dropforge.documents.stage_config import read_stage_config
from dropforge.documents.training_spec import read_training_spec
from tests.e2e import removal
from tests.e2e.cost import costs, statement
from tests.e2e.main_job import MainJob
from tests.journey.deployed_stage import PROGRAM, DeployedStage
from tests.local.trial import Trial

pytestmark = pytest.mark.local
CONFIG = """
stage: rehearsal
region: us-east-1
removal: destroy
prices: { ml.m5.large: 0.115 }
projects:
  lines: { repository: example/lines, seal: { quiet_seconds: 1 } }
"""


def test_the_end_to_end_test_deploys_trains_and_leaves_nothing_of_the_stage(trial: Trial, tmp_path: Path) -> None:
    config, said = tmp_path / "rehearsal.yaml", list[str]()
    config.write_text(CONFIG)
    bench = Workbench("rehearsal", trial.bench.environment, tmp_path / "commands.log")
    stage = DeployedStage(bench, trial.code, trial.session, tmp_path, trial.patience, trial.hint)
    job = MainJob(stage, config, "lines", said.append, trial.local.accept_connection)

    with job.deployed():
        job.connect()
        run = job.train()

    assert run.result is not None
    assert removal.stacks(trial.session, "rehearsal") == []
    buckets = trial.aws.s3.list_buckets()["Buckets"]
    assert [each["Name"] for each in buckets if each["Name"].startswith("dropforge-rehearsal")] == []
    assert said[-1].startswith("Left in the account:")
    assert f"dropforge-rehearsal-{run.id}-01" in said[-1]


def test_the_cost_is_said_before_anything_is_deployed(tmp_path: Path) -> None:
    file = tmp_path / "rehearsal.yaml"
    file.write_text(CONFIG)
    config, spec = read_stage_config(file), read_training_spec(PROGRAM / "dropforge.yaml")

    training, build, idle = (each.usd for each in costs(config, spec))
    assert training == Decimal("0.115") * 5 / 60
    assert build == Decimal("0.035")
    assert idle is not None
    assert "costs about 0.06 USD, by prices of us-east-1" in statement(config, spec)
