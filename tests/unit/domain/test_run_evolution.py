"""A run is what its events add up to, in whatever order and however often they arrive."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropforge.domain.announcement import AnnouncementKey, AnnouncementState, Outcome, SubjectKind
from dropforge.domain.run import DelayCause, Requester, RequesterKind, Run, RunResult, RunStatus
from dropforge.domain.run_events import (
    AttemptFailed,
    AttemptIntended,
    AttemptStarted,
    JobStateObserved,
    RunAnnounced,
    RunDelayed,
    RunEvent,
    RunFinished,
    RunHeld,
    RunOverdue,
    RunReleased,
    RunRetried,
    RunSuperseded,
    RunWithdrawn,
    StopRequested,
    event_document,
    event_from_document,
)
from dropforge.domain.trail import verify
from dropforge.domain.training_job import JobState, JobStatus
from dropforge.domain.transition import Transition, evolve, transition
from tests.fakes.specimens import after, requested
from tests.fakes.world import START

INTENDED = AttemptIntended(START, 1, "job-01")
STARTED = AttemptStarted(START, 1, "arn:job-01")
COMPLETED = RunFinished(START, Outcome.COMPLETED, RunResult())
HELD = RunHeld(START, Outcome.HELD, "too large", "make it smaller")
ADA = Requester(RequesterKind.USER, "ada")


def observed(status: JobStatus, seconds: int = 0, secondary: str = "Training", attempt: int = 1) -> JobStateObserved:
    return JobStateObserved(START, attempt, JobState(status, secondary, START + timedelta(seconds=seconds)))


TIMES = st.integers(0, 9).map(lambda n: START + timedelta(seconds=n))
STATES = st.builds(JobState, st.sampled_from(JobStatus), st.sampled_from(["Starting", "Training"]), TIMES)
FAILED_STATES = st.builds(JobState, st.just(JobStatus.FAILED), st.just("Failed"), TIMES)
ATTEMPTS = st.integers(1, 3)
EVENTS: st.SearchStrategy[RunEvent] = st.one_of(
    st.builds(RunHeld, TIMES, st.sampled_from([Outcome.HELD, Outcome.BLOCKED]), st.just("why"), st.just("do")),
    st.builds(RunDelayed, TIMES, TIMES, st.sampled_from(DelayCause), st.sampled_from(["full", "busy"])),
    st.builds(RunReleased, TIMES, st.just(ADA), st.booleans()),
    st.builds(AttemptIntended, TIMES, ATTEMPTS, st.just("job")),
    st.builds(AttemptStarted, TIMES, ATTEMPTS, st.just("arn")),
    st.builds(JobStateObserved, TIMES, ATTEMPTS, STATES),
    st.builds(
        RunFinished,
        TIMES,
        st.sampled_from([Outcome.COMPLETED, Outcome.FAILED, Outcome.STOPPED]),
        st.just(RunResult()),
    ),
    st.builds(RunAnnounced, TIMES, st.integers(1, 4), st.just(Outcome.HELD)),
    st.builds(AttemptFailed, TIMES, ATTEMPTS, FAILED_STATES, st.just("CapacityError"), TIMES, st.just(60)),
    st.builds(StopRequested, TIMES, st.just(ADA)),
    st.builds(RunWithdrawn, TIMES, st.just(Outcome.STOPPED), st.just("why"), st.just(ADA)),
    st.builds(RunSuperseded, TIMES, st.just("f" * 20)),
    st.builds(RunOverdue, TIMES, st.sampled_from([Outcome.WAITING, Outcome.STUCK]), st.just("why"), st.just("do")),
)


def all_transitions(events: list[RunEvent]) -> list[Transition]:
    run: Run | None = None
    changes = []
    for event in [requested(), *events]:
        change = transition(run, event)
        if change is not None:
            changes.append(change)
            run = change.run
    return changes


@given(st.lists(EVENTS, max_size=12))
def test_an_end_is_final(events: list[RunEvent]) -> None:
    end = None
    for change in all_transitions(events):
        if end is not None:
            assert (change.run.status, change.run.result, change.run.attempts) == end
        if change.run.status.is_terminal:
            end = (change.run.status, change.run.result, change.run.attempts)


@given(st.lists(EVENTS, max_size=12))
def test_an_older_observation_never_replaces_a_newer_one(events: list[RunEvent]) -> None:
    for change in all_transitions(events):
        before = {each.number: each.state for each in change.before.attempts} if change.before else {}
        for attempt in change.run.attempts:
            old, new = before.get(attempt.number), attempt.state
            finished = change.run.status.is_terminal
            assert old is None or (new is not None and (finished or new == old or new.is_newer_than(old)))


@given(st.lists(EVENTS, max_size=12), EVENTS)
def test_an_event_that_is_delivered_twice_changes_nothing_the_second_time(
    events: list[RunEvent], last: RunEvent
) -> None:
    run = all_transitions(events)[-1].run
    once = evolve(run, last)
    assert evolve(once, last) == once


@given(st.lists(EVENTS, max_size=12))
def test_places_taken_and_given_back_add_up(events: list[RunEvent]) -> None:
    changes = all_transitions(events)
    assert sum(change.opened for change in changes) == int(changes[-1].run.status.is_open)


@given(st.lists(EVENTS, max_size=12))
def test_a_run_counts_as_started_at_most_once(events: list[RunEvent]) -> None:
    changes = all_transitions(events)
    starts = sum(change.started_on is not None for change in changes)
    assert starts == int(bool(changes[-1].run.attempts))


@given(st.lists(EVENTS, max_size=12))
def test_attempts_are_numbered_without_gaps(events: list[RunEvent]) -> None:
    attempts = all_transitions(events)[-1].run.attempts
    assert [each.number for each in attempts] == list(range(1, len(attempts) + 1))


@given(st.lists(EVENTS, max_size=12))
def test_the_trail_of_every_history_verifies(events: list[RunEvent]) -> None:
    changes = all_transitions(events)
    verify([change.entry for change in changes], changes[-1].run.trail)


@given(st.lists(EVENTS, max_size=12))
def test_a_run_waits_with_a_reason_or_is_held_with_one_and_never_both(events: list[RunEvent]) -> None:
    run = all_transitions(events)[-1].run
    assert (run.waiting is not None) == (run.status is RunStatus.WAITING)
    assert (run.held is not None) == (run.status is RunStatus.HELD)


def test_a_history_begins_with_a_request() -> None:
    with pytest.raises(ValueError, match="begins with RunRequested"):
        transition(None, HELD)
    assert transition(after(), requested()) is None


def test_the_usual_way() -> None:
    assert after().status is RunStatus.WAITING
    assert after(INTENDED).status is RunStatus.STARTING
    assert after(INTENDED, STARTED).status is RunStatus.RUNNING
    assert after(INTENDED, STARTED, COMPLETED).status is RunStatus.COMPLETED


def test_a_job_may_be_observed_before_its_start_was_written_down() -> None:
    run = after(INTENDED, observed(JobStatus.IN_PROGRESS), STARTED)
    assert run.status is RunStatus.RUNNING
    assert run.attempts[0].job_arn == "arn:job-01"
    assert run.attempts[0].state is not None


def test_a_job_that_runs_although_aws_said_that_it_was_busy_is_believed_when_it_is_seen() -> None:
    busy = RunDelayed(START, START, DelayCause.BUSY, "throttled")
    run = after(INTENDED, busy, observed(JobStatus.IN_PROGRESS))
    assert run.status is RunStatus.RUNNING


def test_an_attempt_that_got_no_job_is_tried_again_under_its_own_number() -> None:
    busy = RunDelayed(START, START, DelayCause.BUSY, "no capacity")
    assert after(INTENDED, busy).next_attempt == 1
    assert after(INTENDED, STARTED).next_attempt == 2


def test_only_what_aws_refused_counts_as_a_busy_delay() -> None:
    full = RunDelayed(START, START, DelayCause.LIMIT, "full")
    busy = RunDelayed(START, START, DelayCause.BUSY, "throttled")
    assert after(full, busy).busy_delays == 1


def test_stopping_is_later_than_in_progress_whatever_the_clocks_say() -> None:
    run = after(INTENDED, STARTED, observed(JobStatus.STOPPING, 0), observed(JobStatus.IN_PROGRESS, 9))
    state = run.attempts[0].state
    assert state is not None
    assert state.status is JobStatus.STOPPING


def test_a_held_run_that_is_released_waits_again() -> None:
    run = after(HELD, RunReleased(START, ADA))
    assert run.status is RunStatus.WAITING
    assert run.held is None


def test_a_release_that_an_earlier_release_wrote_is_played_again_as_it_was_then() -> None:
    tomorrow = RunDelayed(START, START + timedelta(hours=12), DelayCause.LIMIT, "no more today")
    release = RunReleased(START + timedelta(hours=1), ADA, in_its_place=True)
    earlier = event_document(release)
    del earlier["in_its_place"]
    places = [after(tomorrow, each).waiting for each in (release, event_from_document(earlier))]
    assert [each and each.due for each in places] == [START, release.at]


def test_a_stop_that_is_asked_for_between_two_starts_is_not_forgotten_by_the_next() -> None:
    no_room = RunDelayed(START, START, DelayCause.BUSY, "no room")
    assert after(INTENDED, no_room, StopRequested(START, ADA), INTENDED).stopping == ADA


def test_a_job_that_is_seen_after_its_run_has_ended_changes_nothing() -> None:
    assert transition(after(INTENDED, STARTED, COMPLETED), observed(JobStatus.IN_PROGRESS, 9)) is None


def test_a_start_that_is_tried_again_counts_once_against_the_day() -> None:
    busy = RunDelayed(START, START, DelayCause.BUSY, "throttled")
    first, again = transition(after(), INTENDED), transition(after(INTENDED, busy), INTENDED)
    assert first is not None
    assert again is not None
    assert (first.started_on, again.started_on) == (START.date(), None)


def test_a_running_job_is_not_held() -> None:
    assert transition(after(INTENDED, STARTED), HELD) is None


def test_what_people_must_know_is_announced_under_its_place_in_the_trail() -> None:
    change = transition(after(INTENDED, STARTED), COMPLETED)
    assert change is not None
    assert change.announcement is not None
    assert change.announcement.state is AnnouncementState.PENDING
    assert change.announcement.key == AnnouncementKey(SubjectKind.RUN, change.run.id, 4)


def test_what_was_announced_is_written_down_as_sent() -> None:
    change = transition(after(HELD), RunAnnounced(START, 2, Outcome.HELD))
    assert change is not None
    assert change.announcement is not None
    assert change.announcement.state is AnnouncementState.SENT
    assert change.announcement.key.sequence == 2


def test_a_run_that_is_held_twice_is_announced_twice() -> None:
    first = transition(after(), HELD)
    second = transition(after(HELD, RunReleased(START, ADA)), HELD)
    assert first is not None
    assert second is not None
    assert first.announcement is not None
    assert second.announcement is not None
    assert first.announcement.key != second.announcement.key


@given(st.lists(EVENTS, max_size=12), st.lists(EVENTS, max_size=12))
def test_after_a_retry_nothing_that_is_told_of_earlier_attempts_changes_them(
    before: list[RunEvent], after_it: list[RunEvent]
) -> None:
    ended = after(*before, RunWithdrawn(START, Outcome.STOPPED, "why", ADA), INTENDED, COMPLETED)
    retried = evolve(ended, RunRetried(START, ADA))
    made = retried.attempts
    run = retried
    for event in after_it:
        change = transition(run, event)
        run = change.run if change is not None else run
    kept = [each for each in run.attempts if each.has_ended and each.number <= len(made) and each in made]
    assert kept == [each for each in made if each.has_ended]


def test_a_stale_end_of_the_attempt_before_does_not_end_the_next() -> None:
    state = JobState(JobStatus.FAILED, "Failed", START)
    failed = AttemptFailed(START, 1, state, "CapacityError", START)
    second = after(INTENDED, STARTED, failed, AttemptIntended(START, 2, "job-02"), AttemptStarted(START, 2, "arn:2"))
    for stale in (RunFinished(START, Outcome.FAILED, RunResult(), state, attempt=1), failed, STARTED):
        assert evolve(second, stale) is second
