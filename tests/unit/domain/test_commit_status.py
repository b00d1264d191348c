from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from dropforge.domain.announcement import Outcome
from dropforge.domain.commit_status import STATES, CommitState, commit_status, commits_of
from dropforge.domain.image import Build
from dropforge.domain.run import Reproduction, Run, RunResult, RunStatus
from dropforge.domain.run_events import (
    AttemptIntended,
    AttemptStarted,
    ImageBuiltAgain,
    RunEvent,
    RunFinished,
    RunHeld,
    RunSuperseded,
)
from tests.fakes.specimens import ADA, after
from tests.fakes.world import START

INTENDED = AttemptIntended(START, 1, "dropforge-test-1-01")
STARTED = AttemptStarted(START, 1, "arn:job")
GOOD = RunResult(
    metrics={"accuracy": Decimal("0.97")},
    started_at=START,
    ended_at=START + timedelta(minutes=4),
    cost_usd=Decimal("0.31"),
)


def finished(result: RunResult, outcome: Outcome = Outcome.COMPLETED) -> Run:
    return after(INTENDED, STARTED, RunFinished(START, outcome, result, attempt=1))


def said(run: Run, previous: Run | None = None) -> str:
    return commit_status("dropforge-test", run, previous).description


def test_a_completed_run_says_how_good_it_is_how_much_better_how_long_it_took_and_what_it_cost() -> None:
    before = finished(replace(GOOD, metrics={"accuracy": Decimal("0.57")}))
    status = commit_status("dropforge-test", finished(GOOD), before)
    assert status.state is CommitState.SUCCESS
    assert status.context == "dropforge-test/digits"
    assert status.description == "accuracy 0.97, +0.4; 4 min, 0.31 USD"


def test_a_first_run_is_compared_with_none() -> None:
    assert said(finished(GOOD)) == "accuracy 0.97; 4 min, 0.31 USD"
    assert said(finished(RunResult())) == "completed"


def test_a_cost_below_a_cent_is_not_rounded_away() -> None:
    assert said(finished(RunResult(cost_usd=Decimal("0.0019")))) == "0.0019 USD"


def test_as_many_metrics_are_told_as_there_is_room_for_and_the_cost_always() -> None:
    many = {f"a_metric_with_a_long_name_{number}": Decimal("0.123456") for number in range(9)}
    description = said(finished(replace(GOOD, metrics=many)))
    assert len(description) <= 140
    assert description.startswith("a_metric_with_a_long_name_0 0.1235; a_metric")
    assert description.endswith("; 4 min, 0.31 USD")


@pytest.mark.parametrize(
    ("events", "state", "description"),
    [
        ((), CommitState.PENDING, "in line: waits for its turn"),
        ((RunHeld(START, Outcome.HELD, "ml.p5 is not allowed", "Ask."),), CommitState.PENDING, "held: ml.p5 is not"),
        ((INTENDED,), CommitState.PENDING, "starts on 1 x ml.m5.large"),
        ((INTENDED, STARTED), CommitState.PENDING, "trains on 1 x ml.m5.large"),
        ((RunSuperseded(START, "3f2a"),), CommitState.ERROR, "superseded: run 3f2a is newer"),
    ],
)
def test_a_run_that_has_not_ended_well_says_why(
    events: tuple[RunEvent, ...], state: CommitState, description: str
) -> None:
    status = commit_status("dropforge-test", after(*events), None)
    assert status.state is state
    assert status.description.startswith(description)


def test_a_reason_is_told_by_its_first_line_and_no_longer_than_github_takes() -> None:
    failed = finished(RunResult(reason=f"ValueError: {'x' * 200}\x1b[31m\nTraceback"), Outcome.FAILED)
    status = commit_status("dropforge-test", failed, None)
    assert status.state is CommitState.FAILURE
    assert status.description.startswith("failed: ValueError: xxx")
    assert len(status.description) == 140
    assert status.description.isprintable()


def test_every_status_of_a_run_is_one_of_githubs() -> None:
    assert set(STATES) == set(RunStatus)


def test_each_commit_that_gave_the_image_has_the_status_and_a_reproduction_gives_none() -> None:
    run = after(ImageBuiltAgain(START, Build("c2", "main", "e2", "Ada <ada@example.com>"), ADA))
    assert commits_of(run) == ("c1", "c2")
    assert commits_of(replace(run, reproduces=Reproduction("3f2a", 1))) == ()
