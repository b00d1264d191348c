"""`kill -9` of the local AWS in the middle of a run: all that it had acknowledged comes to its end, once."""

from __future__ import annotations

import datetime as dt

import pytest

from dropforge.domain.announcement import Announcement
from dropforge.domain.run import Run, RunStatus
from dropforge.domain.trail import verify
from tests.local.trial import POINTS, Trial
from tests.localaws.local_server import kill

pytestmark = pytest.mark.local

PROJECT = "lines"


def killed(disturbed: Trial) -> None:
    """Kill the local AWS and start it again, as it was."""
    kill(disturbed.local.home)
    assert disturbed.local.start() == disturbed.bench.environment


def job_status(disturbed: Trial, run_id: str) -> str | None:
    """What SageMaker says of the run's only job; None until it has one."""
    attempts = disturbed.run(run_id).attempts
    if not attempts:
        return None
    found = disturbed.aws.sagemaker.list_training_jobs(NameContains=attempts[0].job_name)["TrainingJobSummaries"]
    return found[0]["SecondaryStatus"] if found else None


def completed_at_last(disturbed: Trial, run_id: str) -> Run:
    """Wait until the run has completed and people were told.

    Whoever is due is woken before their time: the dispatcher for the run's next attempt, and the sweep for a mail whose
    sender was killed and whose lease has run out.
    """

    def look() -> Run | None:
        run, now = disturbed.run(run_id), dt.datetime.now(dt.UTC)
        if run.waiting is not None and run.waiting.due <= now:
            disturbed.ports.wakeups.dispatch()
        if any(each.leased_until is not None and each.is_free(now) for each in mails_to_send(disturbed, run_id)):
            disturbed.send("sweep", "{}")
        return run if run.status.is_terminal and run.announced else None

    return disturbed.eventually(
        look, f"the end of run {run_id}", disturbed.patience.run, lambda: f"it is {disturbed.run(run_id)}"
    )


def mails_to_send(disturbed: Trial, run_id: str) -> list[Announcement]:
    return [each for each in disturbed.ports.store.pending_announcements() if each.key.subject == run_id]


@pytest.mark.usefixtures("lines")
def test_what_was_acknowledged_before_a_kill_is_trained_recorded_and_told_once(disturbed: Trial) -> None:
    before = {run.id for run in disturbed.runs(PROJECT)}
    disturbed.drop(PROJECT, POINTS + b"4,9\n")
    killed(disturbed)  # the drop was acknowledged, and that is all
    dropped = disturbed.completed(disturbed.new_run(PROJECT, *before).id)

    asked = disturbed.dropforge("run", PROJECT, "--param", "rest_seconds=4", "--json").document["id"]
    disturbed.eventually(
        lambda: job_status(disturbed, asked) == "Training" or None, "the training", disturbed.patience.run
    )
    killed(disturbed)  # the program is running
    disturbed.drop(PROJECT, POINTS + b"5,11\n")
    last = disturbed.new_run(PROJECT, *before, dropped.id, asked)
    disturbed.eventually(
        lambda: job_status(disturbed, last.id) == "Completed" or None, "the job's end", disturbed.patience.run
    )
    killed(disturbed)  # the model lies there, and perhaps nobody has taken note, or somebody was about to tell of it
    completed_at_last(disturbed, last.id)
    repeated = completed_at_last(disturbed, asked)

    disturbed.quiet(PROJECT)
    runs = {run.id: run for run in disturbed.runs(PROJECT) if run.id not in before}
    assert runs.keys() == {dropped.id, asked, last.id}
    assert {run.status for run in runs.values()} == {RunStatus.COMPLETED}
    assert [attempt.failure is None for attempt in repeated.attempts] == [False, True]
    assert [len(runs[run_id].attempts) for run_id in (dropped.id, last.id)] == [1, 1]
    for run in runs.values():
        now = disturbed.run(run.id)
        verify(disturbed.ports.store.trail(run.id)[: now.trail.sequence], now.trail)
        jobs = disturbed.aws.sagemaker.list_training_jobs(NameContains=run.attempts[0].job_name[:-2])
        assert len(jobs["TrainingJobSummaries"]) == len(run.attempts)
