from __future__ import annotations

from dataclasses import replace

from dropforge.domain.announcement import Outcome
from dropforge.domain.project import GuardRails
from dropforge.domain.run import RunStatus
from dropforge.domain.training_spec import Compute, TrainingSpec
from tests.fakes.world import DIGITS, World, stage_of


def test_a_quota_below_what_the_run_wants_by_itself_blocks_at_once_though_no_job_runs() -> None:
    world = World(stage_of(replace(DIGITS, guard_rails=GuardRails(max_instances=4))))
    world.jobs.quota["ml.m5.large"] = 2
    world.push(spec=TrainingSpec(compute=Compute(instance_count=4)))
    world.drop("digits/a")
    world.grow_quiet()
    world.dispatch()
    run = world.only_run()
    assert run.status is RunStatus.HELD
    assert run.held is not None
    assert run.held.outcome is Outcome.BLOCKED
    assert run.held.reason == "the job wants 4 instances of ml.m5.large at once, and this account's quota is 2"
    assert "compute.instance_count: 2 or less" in run.held.remedy
    assert '"ml.m5.large for training job usage"' in run.held.remedy
