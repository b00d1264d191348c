from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from dropforge.adapters.dynamodb.runs import run_item
from dropforge.adapters.dynamodb.store import DynamoMetadataStore
from dropforge.adapters.dynamodb.tables import Tables
from dropforge.domain.announcement import AnnouncementKey, AnnouncementState, Outcome, SubjectKind
from dropforge.domain.errors import InvalidDocumentError
from dropforge.domain.run import DelayCause, Reproduction, Requester, RequesterKind, Run, RunRef, RunResult, RunStatus
from dropforge.domain.run_events import (
    AttemptFailed,
    AttemptIntended,
    AttemptStarted,
    ImageBuiltAgain,
    JobStateObserved,
    RunAnnounced,
    RunDelayed,
    RunFinished,
    RunHeld,
    RunReleased,
    RunRetried,
    RunSuperseded,
)
from dropforge.domain.trail import verify
from dropforge.domain.training_job import JobState, JobStatus, ModelArtifact, StatusTransition
from dropforge.workflow.ports import ConflictError, MetadataStore
from tests.contract.records import a_request, an_image, later


def _ref(run: Run) -> RunRef:
    return RunRef(run.id, run.project, run.requested_at, run.status)


TODAY = date(2026, 1, 31)
RESULT = RunResult(
    metrics={"accuracy": Decimal("0.950"), "loss": Decimal("1E-7")},
    model=ModelArtifact("s3://artifacts/runs/1/model.tar.gz", "v1", 1234, "ab" * 32),
    started_at=later(minutes=1),
    ended_at=later(minutes=2),
    billable_seconds=60,
    cost_usd=Decimal("0.0019"),
    log_tail=("epoch 1", "accuracy=0.950"),
    where="AWS us-east-1",
    transitions=(StatusTransition("Starting", later(minutes=1), "Launching"),),
)


def intended(store: MetadataStore, run: Run) -> Run:
    return store.commit(run, AttemptIntended(later(seconds=1), run.next_attempt, f"job-{run.id}"))


def finished(store: MetadataStore, run: Run, outcome: Outcome = Outcome.COMPLETED) -> Run:
    started = store.commit(intended(store, run), AttemptStarted(later(seconds=2), 1, "arn:aws:job"))
    return store.commit(started, RunFinished(later(minutes=3), outcome, RESULT, attempt=1))


def test_a_run_comes_back_exactly_as_it_was_committed(store: MetadataStore) -> None:
    run = finished(store, store.commit(None, a_request()))
    assert run.status is RunStatus.COMPLETED
    assert store.run(run.id) == run


def test_a_reproduction_comes_back_with_what_it_repeats(store: MetadataStore) -> None:
    repeated = Reproduction("0123456789abcdef0123", 2)
    run = store.commit(None, replace(a_request(), reproduces=repeated))
    assert run.reproduces == repeated
    assert store.run(run.id) == run


def test_there_is_no_run_that_nobody_requested(store: MetadataStore) -> None:
    assert store.run("0" * 20) is None
    assert store.trail("0" * 20) == ()


def test_the_trail_has_each_event_in_order_and_verifies_against_the_runs_head(store: MetadataStore) -> None:
    run = finished(store, store.commit(None, a_request()))
    trail = store.trail(run.id)
    verify(trail, run.trail)
    assert [entry.sequence for entry in trail] == [1, 2, 3, 4]


def test_a_run_is_requested_only_once(store: MetadataStore) -> None:
    store.commit(None, a_request())
    with pytest.raises(ConflictError):
        store.commit(None, a_request(at=later(minutes=1)))


def test_of_two_that_change_the_same_state_of_a_run_the_second_is_told_and_nothing_of_its_change_is_kept(
    store: MetadataStore,
) -> None:
    run = store.commit(None, a_request())
    first = intended(store, run)
    with pytest.raises(ConflictError):
        store.commit(run, RunHeld(later(seconds=5), Outcome.HELD, "reason", "remedy"))
    assert store.run(run.id) == first
    assert len(store.trail(run.id)) == 2
    assert store.pending_announcements() == ()
    assert store.load("digits", TODAY).open_runs == 1


def test_a_head_with_the_right_sequence_but_another_digest_is_a_conflict(store: MetadataStore) -> None:
    run = store.commit(None, a_request())
    forged = replace(run, trail=replace(run.trail, digest="sha256:" + "0" * 64))
    with pytest.raises(ConflictError):
        intended(store, forged)


def test_an_event_that_changes_nothing_writes_nothing(store: MetadataStore) -> None:
    run = finished(store, store.commit(None, a_request()))
    late = JobStateObserved(later(minutes=4), 1, JobState(JobStatus.IN_PROGRESS, "Training", later(minutes=1)))
    assert store.commit(run, late) == run
    assert len(store.trail(run.id)) == run.trail.sequence


def test_open_runs_and_runs_started_today_are_counted_with_the_commits(store: MetadataStore) -> None:
    run = intended(store, store.commit(None, a_request(seed="1")))
    intended(store, store.commit(None, a_request(seed="2")))
    assert (store.load("digits", TODAY).open_runs, store.load("digits", TODAY).started_today) == (2, 2)
    store.commit(run, RunFinished(later(minutes=3), Outcome.FAILED, RunResult(reason="it broke")))
    assert (store.load("digits", TODAY).open_runs, store.load("digits", TODAY).started_today) == (1, 2)


def test_another_project_and_another_day_have_a_load_of_their_own(store: MetadataStore) -> None:
    intended(store, store.commit(None, a_request()))
    assert store.load("cancer", TODAY).open_runs == 0
    assert store.load("digits", date(2026, 2, 1)).started_today == 0


def test_waiting_runs_come_by_due_time_and_among_equals_the_longest_requested_first(store: MetadataStore) -> None:
    young = store.commit(None, a_request(seed="young", at=later(seconds=9)))
    old = store.commit(None, a_request(seed="old", at=later(seconds=1)))
    for run in (young, old):
        store.commit(run, RunDelayed(later(seconds=10), later(minutes=5), DelayCause.BUSY, "no room"))
    soon = store.commit(None, a_request(seed="soon", at=later(minutes=2)))
    never = store.commit(None, a_request(seed="never"))
    store.commit(never, RunDelayed(later(seconds=10), later(days=1), DelayCause.LIMIT, "the day is full"))
    waiting = list(store.waiting_runs("digits", later(minutes=5)))
    assert [ref.id for ref in waiting] == [soon.id, old.id, young.id]
    assert (waiting[1].project, waiting[1].requested_at) == ("digits", later(seconds=1))
    assert waiting[1].status is RunStatus.WAITING


def test_each_project_has_a_line_of_its_own_whose_first_is_known_if_it_is_due(store: MetadataStore) -> None:
    names = ["digits", "digits-2", "0", "z"]
    runs = {name: store.commit(None, a_request(project=name, at=later(minutes=n))) for n, name in enumerate(names)}
    behind = store.commit(None, a_request(seed="behind", at=later(seconds=30)))
    put_off = store.commit(runs["z"], RunDelayed(later(minutes=4), later(days=1), DelayCause.LIMIT, "the day is full"))
    firsts = {ref.project: ref.id for ref in store.first_in_line(later(hours=1))}
    assert firsts == {name: runs[name].id for name in names[:3]}
    assert [ref.id for ref in store.first_in_line(later(seconds=1))] == [runs["digits"].id]
    (first,) = store.first_in_line(later(seconds=1))
    assert [ref.id for ref in store.waiting_runs("digits", later(hours=1), after=first)] == [behind.id]
    assert [(ref.id, ref.due) for ref in store.waiting_runs("z", later(days=2))] == [(put_off.id, later(days=1))]


def test_a_run_that_is_due_at_this_very_moment_is_due(store: MetadataStore) -> None:
    run = store.commit(None, a_request())
    assert [ref.id for ref in store.waiting_runs("digits", run.requested_at)] == [run.id]
    assert list(store.waiting_runs("digits", later(microseconds=-1))) == []


def test_a_run_is_found_as_waiting_open_held_or_finished_and_as_one_of_these_alone(store: MetadataStore) -> None:
    def seen() -> tuple[int, int, int]:
        waiting, opened, held = (
            store.waiting_runs("digits", later(days=1)),
            store.open_runs(),
            store.held_runs("digits"),
        )
        return len(list(waiting)), len(list(opened)), len(list(held))

    run = store.commit(None, a_request())
    assert seen() == (1, 0, 0)
    run = store.commit(run, RunHeld(later(seconds=1), Outcome.HELD, "too large", "make it smaller"))
    assert seen() == (0, 0, 1)
    run = store.commit(run, RunReleased(later(seconds=2), Requester(RequesterKind.USER, "ada")))
    assert seen() == (1, 0, 0)
    run = intended(store, run)
    assert seen() == (0, 1, 0)
    store.commit(run, RunFinished(later(minutes=3), Outcome.COMPLETED, RESULT))
    assert seen() == (0, 0, 0)


def test_held_runs_of_another_project_are_not_given(store: MetadataStore) -> None:
    held = store.commit(None, a_request(project="cancer"))
    store.commit(held, RunHeld(later(seconds=1), Outcome.HELD, "reason", "remedy"))
    assert list(store.held_runs("digits")) == []


def test_runs_of_a_project_come_newest_first_and_no_more_than_asked_for(store: MetadataStore) -> None:
    runs = [store.commit(None, a_request(seed=str(n), at=later(minutes=n))) for n in range(5)]
    store.commit(None, a_request(project="cancer", at=later(minutes=9)))
    assert store.runs_of_project("digits", 3) == (runs[4], runs[3], runs[2])


def test_the_next_page_of_a_project_s_runs_begins_where_the_one_before_ended(store: MetadataStore) -> None:
    same_moment = [store.commit(None, a_request(seed=str(n), at=later(minutes=n // 2))) for n in range(6)]
    newest = sorted(same_moment, key=lambda run: (run.requested_at, run.id), reverse=True)
    seen: list[Run] = list(store.runs_of_project("digits", 2))
    while page := store.runs_of_project("digits", 2, _ref(seen[-1])):
        seen += page
    assert seen == newest


@pytest.mark.parametrize("of", ["a commit", "a dataset version"])
def test_runs_of_a_commit_and_of_a_dataset_version_come_in_pages_too(store: MetadataStore, of: str) -> None:
    same_moment = [store.commit(None, a_request(seed=str(n), at=later(minutes=n // 2))) for n in range(5)]
    store.commit(None, a_request("c2", "v2", at=later(minutes=9)))
    build = replace(an_image("c1").build, execution_id="again")
    other = store.commit(None, a_request("c2", "v3" if of == "a commit" else "v1", at=later(minutes=1)))
    other = store.commit(other, ImageBuiltAgain(later(minutes=1), build, other.requester))

    def page(before: RunRef | None) -> tuple[Run, ...]:
        if of == "a commit":
            return store.runs_of_commit("c1", 2, before)
        return store.runs_of_dataset("digits", other.dataset.version, 2, before)

    seen: list[Run] = []
    while runs := page(_ref(seen[-1]) if seen else None):
        assert len(runs) <= 2
        seen += runs
    assert seen == sorted([*same_moment, other], key=lambda run: (run.requested_at, run.id), reverse=True)


def test_a_run_is_found_by_the_one_that_it_reproduces(store: MetadataStore) -> None:
    original = store.commit(None, a_request())
    again = [
        store.commit(
            None,
            replace(
                a_request(),
                run_id=f"{number}" * 20,
                at=later(days=number),
                reproduces=Reproduction(original.id, number),
            ),
        )
        for number in (1, 2)
    ]
    assert store.reproductions_of(original.id, 10) == tuple(reversed(again))
    assert store.reproductions_of(again[0].id, 10) == ()


def test_runs_are_found_by_their_image_whatever_commit_or_project_it_came_from(store: MetadataStore) -> None:
    first = store.commit(None, a_request("c1", "v1"))
    second = store.commit(None, a_request("c1", "v2", at=later(minutes=1)))
    elsewhere = store.commit(None, a_request("c1", "v1", project="cancer", at=later(minutes=2)))
    store.commit(None, a_request("c2"))
    assert store.runs_of_image(first.image.digest) == (elsewhere, second, first)
    assert store.runs_of_image(first.image.digest, 2) == (elsewhere, second)
    assert store.runs_of_image("sha256:" + "0" * 64) == ()


def test_a_run_is_found_by_the_checksum_of_the_model_that_it_has_given_last(store: MetadataStore) -> None:
    run = finished(store, store.commit(None, a_request()), Outcome.FAILED)
    assert store.runs_of_model("ab" * 32) == (run,)
    by = Requester(RequesterKind.USER, "ada")
    again = intended(store, store.commit(run, RunRetried(later(minutes=4), by)))
    assert store.runs_of_model("ab" * 32) == ()
    assert RESULT.model is not None
    other = replace(RESULT, model=replace(RESULT.model, sha256="cd" * 32))
    ended = store.commit(again, RunFinished(later(minutes=5), Outcome.COMPLETED, other, attempt=2))
    assert store.runs_of_model("ab" * 32) == ()
    assert store.runs_of_model("cd" * 32) == (ended,)


def test_runs_are_found_by_commit_and_by_dataset(store: MetadataStore) -> None:
    first = store.commit(None, a_request("c1", "v1"))
    second = store.commit(None, a_request("c1", "v2", at=later(minutes=1)))
    third = store.commit(None, a_request("c2", "v1", at=later(minutes=2)))
    elsewhere = store.commit(None, a_request("c3", "v1", project="cancer"))
    assert store.runs_of_commit("c1", 10) == (second, first)
    assert store.runs_of_dataset("digits", first.dataset.version, 10) == (third, first)
    assert store.runs_of_dataset("cancer", first.dataset.version, 10) == (elsewhere,)


def test_a_run_is_found_by_the_commit_of_each_build_that_it_stands_for(store: MetadataStore) -> None:
    run = store.commit(None, a_request("c1"))
    for commit in ("c2", "c1"):
        build = replace(an_image(commit).build, execution_id=f"again-of-{commit}")
        run = store.commit(run, ImageBuiltAgain(later(minutes=1), build, run.requester))
    newer = store.commit(None, a_request("c2", "v2", at=later(minutes=2)))
    assert store.runs_of_commit("c2", 10) == (newer, run)
    assert store.runs_of_commit("c1", 10) == (run,)


@pytest.mark.local
def test_a_record_that_cannot_be_read_is_left_out_of_every_listing_and_named(tables: Tables) -> None:
    store = DynamoMetadataStore(tables)
    broken = store.commit(None, a_request("c1", "v1"))
    whole = store.commit(None, a_request("c1", "v1", seed="2", at=later(minutes=1)))
    tables.put(run_item(broken) | {"document": "{}"})
    assert store.runs_of_project("digits", 20) == (whole,)
    assert store.runs_of_commit("c1", 10) == (whole,)
    assert store.runs_of_dataset("digits", whole.dataset.version, 10) == (whole,)
    assert [ref.id for ref in store.unreadable_runs("digits", 20)] == [broken.id]
    assert {ref.id for ref in store.waiting_runs("digits", later(days=1))} == {broken.id, whole.id}
    with pytest.raises(InvalidDocumentError):
        store.run(broken.id)


def test_a_run_is_found_by_the_beginning_of_its_id_with_its_status_of_now(store: MetadataStore) -> None:
    run = intended(store, store.commit(None, a_request()))
    for digits in (4, 7, 20):
        (ref,) = store.runs_with_prefix(run.id[:digits])
        assert (ref.id, ref.status) == (run.id, RunStatus.STARTING)
    other = "0" if run.id[4] != "0" else "1"
    assert store.runs_with_prefix(run.id[:4] + other) == ()


def test_what_ends_or_holds_a_run_is_written_with_a_pending_announcement(store: MetadataStore) -> None:
    run = finished(store, store.commit(None, a_request()))
    (announcement,) = store.pending_announcements()
    assert announcement.key == AnnouncementKey(SubjectKind.RUN, run.id, run.trail.sequence)
    assert (announcement.project, announcement.outcome) == ("digits", Outcome.COMPLETED)
    assert store.announcement(announcement.key) == announcement


def test_committing_that_people_were_told_marks_the_announcement_as_sent(store: MetadataStore) -> None:
    run = finished(store, store.commit(None, a_request()))
    (pending,) = store.pending_announcements()
    told = store.commit(run, RunAnnounced(later(minutes=4), pending.key.sequence, Outcome.COMPLETED))
    assert told.announced == (pending.key.sequence,)
    assert store.pending_announcements() == ()
    sent = store.announcement(pending.key)
    assert sent is not None
    assert sent.state is AnnouncementState.SENT


def test_what_was_retried_is_found_among_what_waits_and_what_was_superseded_nowhere(store: MetadataStore) -> None:
    run = finished(store, store.commit(None, a_request()), Outcome.FAILED)
    run = store.commit(run, RunRetried(later(minutes=5), Requester(RequesterKind.USER, "ada")))
    assert [ref.id for ref in store.waiting_runs("digits", later(hours=1))] == [run.id]
    store.commit(run, RunSuperseded(later(minutes=6), "f" * 20))
    assert list(store.waiting_runs("digits", later(hours=1))) == []
    assert [each.outcome for each in store.pending_announcements()] == [Outcome.FAILED, Outcome.SUPERSEDED]


def test_an_attempt_that_failed_gives_its_place_back(store: MetadataStore) -> None:
    run = intended(store, store.commit(None, a_request()))
    state = JobState(JobStatus.FAILED, "Failed", later(minutes=1))
    store.commit(run, AttemptFailed(later(minutes=2), 1, state, "InternalServerError", later(minutes=3), 60))
    assert store.load("digits", TODAY).open_runs == 0
    assert [ref.id for ref in store.waiting_runs("digits", later(minutes=3))] == [run.id]
    assert list(store.waiting_runs("digits", later(minutes=2))) == []
