from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dropforge.domain.admission import Admit, Circumstances, Delay, Hold, ProjectLoad, decide
from dropforge.domain.head import Pause
from dropforge.domain.project import GuardRails
from dropforge.domain.run import DelayCause, Limit
from dropforge.domain.training_spec import Compute, InputMode, Stopping, TrainingSpec
from tests.fakes.specimens import after
from tests.fakes.world import DIGITS, START

FREE = Circumstances(START, None, ProjectLoad(0, 0), open_in_stage=0, stage_limit=8)
PAUSE = Pause("digits", "ops", START)


def test_a_run_within_all_limits_is_admitted() -> None:
    assert decide(after(), DIGITS, FREE) == Admit()


@pytest.mark.parametrize(
    ("spec", "reason", "field"),
    [
        (TrainingSpec(Compute("ml.p4d.24xlarge")), "ml.p4d.24xlarge is not among", "compute.instance_type"),
        (TrainingSpec(Compute(instance_count=2)), "2 instances are more", "compute.instance_count"),
        (TrainingSpec(stopping=Stopping(61)), "a runtime of 61 minutes is more", "stopping.max_runtime_minutes"),
        (
            TrainingSpec(stopping=Stopping(60, 1441), use_spot=True),
            "1441 minutes, the wait for spot instances included, are more",
            "stopping.max_wait_minutes",
        ),
        (TrainingSpec(Compute(volume_gb=101)), "101 GB of disk for each instance are more", "compute.volume_gb"),
        (
            TrainingSpec(sagemaker={"ResourceConfig": {"KeepAlivePeriodInSeconds": 1}}),
            "keeping instances warm for 1 s after the job is more than digits may use (0)",
            "sagemaker.ResourceConfig.KeepAlivePeriodInSeconds",
        ),
    ],
)
def test_a_guard_rail_that_holds_names_itself_and_the_way_out(spec: TrainingSpec, reason: str, field: str) -> None:
    decision = decide(after(spec=spec), DIGITS, FREE)
    assert isinstance(decision, Hold)
    assert reason in decision.reason
    assert field in decision.remedy
    assert "dropforge resume digits" in decision.remedy


def test_an_instance_type_may_be_allowed_by_a_pattern() -> None:
    project = replace(DIGITS, guard_rails=GuardRails(instance_types=("ml.m5.*",)))
    assert decide(after(spec=TrainingSpec(Compute("ml.m5.4xlarge"))), project, FREE) == Admit()


def test_a_channel_that_the_data_does_not_have_holds_the_run() -> None:
    spec = TrainingSpec(channels={"validation": InputMode.FILE})
    decision = decide(after(spec=spec), DIGITS, FREE)
    assert isinstance(decision, Hold)
    assert "channel validation, but the data has only training" in decision.reason
    assert "digits/validation/" in decision.remedy


def test_what_is_wrong_with_a_run_is_said_even_while_its_project_is_paused() -> None:
    spec = TrainingSpec(Compute("ml.p4d.24xlarge"))
    assert isinstance(decide(after(spec=spec), DIGITS, replace(FREE, pause=PAUSE)), Hold)


@pytest.mark.parametrize(
    ("circumstances", "cause", "reason"),
    [
        (replace(FREE, pause=PAUSE), DelayCause.PAUSED, "paused"),
        (replace(FREE, load=ProjectLoad(2, 5)), DelayCause.LIMIT, "digits has 2 runs open, as many as it may"),
        (replace(FREE, open_in_stage=8), DelayCause.LIMIT, "the stage has 8 runs open, as many as it may"),
    ],
)
def test_what_passes_by_itself_delays_a_run_in_its_place(
    circumstances: Circumstances, cause: DelayCause, reason: str
) -> None:
    decision = decide(after(), DIGITS, circumstances)
    assert isinstance(decision, Delay)
    assert (decision.until, decision.cause, decision.reason) == (None, cause, reason)


def test_a_full_day_delays_a_run_until_the_next_utc_midnight() -> None:
    decision = decide(after(), DIGITS, replace(FREE, load=ProjectLoad(0, 20)))
    assert isinstance(decision, Delay)
    assert (decision.until, decision.limit) == (datetime(2026, 2, 1, tzinfo=UTC), Limit.RUNS_PER_DAY)
    assert decision.reason == "digits has started its 20 runs of today"
    assert "it starts by itself on 2026-02-01 at 00:00 UTC" in decision.remedy
    assert "raise guard_rails.runs_per_day of digits" in decision.remedy
