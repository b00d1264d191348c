from __future__ import annotations

from decimal import Decimal

from dropforge.domain.announcement import Outcome
from dropforge.domain.run import DelayCause, RunResult, RunStatus
from dropforge.domain.run_events import AttemptIntended, AttemptStarted, RunAnnounced, RunDelayed, RunFinished
from dropforge.domain.state_change import state_change_of
from tests.fakes.specimens import after
from tests.fakes.world import START

INTENDED = AttemptIntended(START, 1, "dropforge-test-1-01")
STARTED = AttemptStarted(START, 1, "arn:job")
DONE = RunFinished(START, Outcome.COMPLETED, RunResult(metrics={"accuracy": Decimal("0.970")}), attempt=1)


def test_a_change_of_state_says_what_the_run_has_become_and_of_what_it_is_made() -> None:
    run = after(INTENDED, STARTED, DONE)
    change = state_change_of("dropforge-test", run)
    assert change is not None
    assert (change.run, change.sequence, change.status) == (run.id, 4, RunStatus.COMPLETED)
    assert (change.commit, change.image_digest, change.attempt) == ("c1", run.image.digest, 1)
    assert change.metrics == {"accuracy": Decimal("0.970")}


def test_what_leaves_the_state_as_it_was_is_no_change() -> None:
    run = after(INTENDED, STARTED, DONE, RunAnnounced(START, 4, Outcome.COMPLETED))
    assert state_change_of("dropforge-test", run) is None


def test_a_run_that_waits_on_is_no_change_and_one_that_began_to_wait_says_why() -> None:
    first = state_change_of("dropforge-test", after())
    assert first is not None
    assert (first.status, first.reason, first.sequence) == (RunStatus.WAITING, "waits for its turn", 1)
    delayed = after(RunDelayed(START, START, DelayCause.BUSY, "no room"))
    assert state_change_of("dropforge-test", delayed) is None
