"""What ops are told of a limit that holds runs back: once a project and day, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count

import pytest

from dropforge.domain.announcement import Outcome
from dropforge.domain.notice import Notice
from dropforge.domain.project import GuardRails
from dropforge.domain.run import Limit, Run, RunStatus
from dropforge.domain.run_events import RunDelayed, event_from_document
from dropforge.workflow.dispatch_runs import dispatch_runs
from tests.fakes.interruption import CutOff, Interruption, interrupted
from tests.fakes.memory_jobs import JobsThatTakeAMinute
from tests.fakes.stories import with_runs
from tests.fakes.world import DIGITS, World, stage_of

CANCER = replace(DIGITS, name="cancer", data_prefix="cancer/")
ONE_AT_ONCE = GuardRails(concurrent_runs=1)


def with_line(count: int, rails: GuardRails = DIGITS.guard_rails, stage_runs: int = 8) -> World:
    """So many runs wait, and no pass has seen them yet."""
    stage = stage_of(replace(DIGITS, guard_rails=rails), CANCER, concurrent_runs=stage_runs)
    return with_runs(World(stage), count)


def in_status(world: World, status: RunStatus) -> Sequence[Run]:
    return sorted((run for run in world.store.runs.values() if run.status is status), key=lambda run: run.requested_at)


def move_on(world: World) -> None:
    """A job ends, and the next run takes its place."""
    world.finish(in_status(world, RunStatus.RUNNING)[0])
    world.dispatch()


def notices(world: World) -> list[Notice]:
    return sorted(world.store.kept.values(), key=lambda notice: notice.at)


def told(world: World) -> list[str]:
    world.deliver_announcements()
    return world.mailbox.subjects


def delays(world: World, run: Run) -> list[RunDelayed]:
    told = (event_from_document(entry.document()) for entry in world.store.trail(run.id))
    return [event for event in told if isinstance(event, RunDelayed)]


def test_a_limit_is_told_of_once_a_day_however_many_runs_become_the_first_to_wait() -> None:
    world = with_line(20)
    world.dispatch()
    for _ in range(9):
        move_on(world)
    waiting = [mail for mail in told(world) if mail.startswith("[dropforge] digits waiting")]
    assert waiting == ["[dropforge] digits waiting: digits has 2 runs open, as many as it may"]
    world.clock.time = datetime(2026, 2, 1, 0, 5, tzinfo=UTC)
    for _ in range(3):
        move_on(world)
    assert [notice.evidence["day"] for notice in notices(world)] == ["2026-01-31", "2026-02-01"]


def test_each_run_that_becomes_the_first_says_what_it_waits_for_and_the_way_out() -> None:
    world = with_line(4, ONE_AT_ONCE)
    world.dispatch()
    move_on(world)
    for run in (*in_status(world, RunStatus.RUNNING), in_status(world, RunStatus.WAITING)[0]):
        (delayed,) = delays(world, run)
        assert (delayed.reason, delayed.limit) == ("digits has 1 run open, as many as it may", Limit.CONCURRENT_RUNS)
        assert "raise guard_rails.concurrent_runs of digits" in delayed.remedy


def test_the_mail_says_what_to_do_and_names_the_first_in_line_and_goes_to_who_hears_of_waiting_runs() -> None:
    world = with_line(3, ONE_AT_ONCE)
    world.dispatch()
    world.deliver_announcements()
    ((mail, announcement),) = world.mailbox.mails
    first = in_status(world, RunStatus.WAITING)[0]
    assert (announcement.project, announcement.outcome) == ("digits", Outcome.WAITING)
    assert mail.subject == "[dropforge] digits waiting: digits has 1 run open, as many as it may"
    assert "raise guard_rails.concurrent_runs of digits" in mail.body
    assert "`dropforge resume digits`" in mail.body
    assert f"The first in line, to look further:\n    dropforge show {first.id}\n" in mail.body
    assert "dropforge runs digits --status WAITING" in mail.body


def test_a_pass_that_finds_the_same_state_tells_nothing_and_asks_for_nothing() -> None:
    world = with_line(3, ONE_AT_ONCE)
    world.dispatch()
    interruption = Interruption(10**6, after=False)
    world.clock.pass_by(days=1)
    dispatch_runs(interrupted(world.ports, interruption))
    assert not {"put_notice", "commit"} & set(interruption.calls)
    assert len(notices(world)) == 1


def test_two_limits_are_two_notices() -> None:
    world = with_line(3, GuardRails(concurrent_runs=1, runs_per_day=2))
    world.dispatch()
    move_on(world)
    limits = [notice.evidence["limit"] for notice in notices(world)]
    assert limits == [Limit.CONCURRENT_RUNS.value, Limit.RUNS_PER_DAY.value]
    assert len(told(world)) == 3  # and the end of the first run


def test_a_limit_that_was_raised_and_is_reached_again_is_told_of_again() -> None:
    world = with_line(6, ONE_AT_ONCE)
    world.dispatch()
    raised = replace(DIGITS, guard_rails=GuardRails(concurrent_runs=3))
    world.ports = replace(world.ports, stage=stage_of(raised, CANCER))
    world.dispatch()
    assert sorted(notice.evidence["reason"] for notice in notices(world)) == [
        "digits has 1 run open, as many as it may",
        "digits has 3 runs open, as many as it may",
    ]


def test_a_pass_in_which_midnight_passes_puts_a_run_off_to_that_midnight_and_tells_of_the_day_that_was() -> None:
    world = with_line(3, GuardRails(concurrent_runs=9, runs_per_day=1))
    world.jobs = JobsThatTakeAMinute(world.clock, world.bucket)
    world.ports = replace(world.ports, jobs=world.jobs, logs=world.jobs)
    world.clock.time = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC)
    world.dispatch()
    waiting = in_status(world, RunStatus.WAITING)[0].waiting
    assert waiting is not None
    assert waiting.due == datetime(2026, 2, 1, tzinfo=UTC) < world.clock.now()
    assert [notice.evidence["day"] for notice in notices(world)] == ["2026-01-31"]
    world.dispatch()
    assert len(in_status(world, RunStatus.RUNNING)) == 2


def test_the_limit_of_a_day_is_told_of_on_each_day_that_it_holds_runs_back() -> None:
    world = with_line(4, GuardRails(concurrent_runs=9, runs_per_day=1))
    for _ in range(5):
        world.dispatch()
        world.clock.pass_by(days=1)
    assert [notice.evidence["day"] for notice in notices(world)] == ["2026-01-31", "2026-02-01", "2026-02-02"]


def test_a_limit_of_the_stage_is_told_of_as_the_stages_in_each_project_that_it_holds_back() -> None:
    world = with_runs(with_line(2, stage_runs=1), 2, "cancer")
    world.dispatch()
    assert [notice.evidence["limit"] for notice in notices(world)] == ["concurrent_runs_of_stage"] * 2
    assert {notice.project for notice in notices(world)} == {"digits", "cancer"}
    assert all("raise concurrent_runs of the stage" in notice.sentence for notice in notices(world))


def test_what_waits_for_aws_and_for_no_limit_of_ops_is_no_notice() -> None:
    world = with_line(3)
    world.jobs.quota["ml.m5.large"] = 1
    world.dispatch()
    assert in_status(world, RunStatus.WAITING)
    assert notices(world) == []


@pytest.mark.parametrize("after", [False, True], ids=["before its effect", "after its effect"])
def test_wherever_a_pass_is_killed_the_limit_is_told_of_once_and_the_delay_is_on_record(after: bool) -> None:
    for at in count():
        world = with_line(3, ONE_AT_ONCE)
        interruption = Interruption(at, after)
        try:
            dispatch_runs(interrupted(world.ports, interruption))
        except CutOff:
            world.dispatch()
        assert len(told(world)) == 1
        assert len(delays(world, in_status(world, RunStatus.WAITING)[0])) == 1
        if not interruption.happened:
            assert at > 10
            break
