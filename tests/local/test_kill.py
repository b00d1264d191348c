"""`kill -9` of the local AWS in the middle of a run: all that it had acknowledged comes to its end, once."""

from __future__ import annotations

import datetime as dt

import pytest

from dropforge.domain.run import Run, RunStatus
from dropforge.domain.trail import verify
from tests.local.trial import POINTS, Trial
from tests.localaws.local_server import kill

pytestmark = [pytest.mark.local, pytest.mark.alone]

PROJECT = "killed"


def killed(trial: Trial) -> None:
    """Kill the local AWS and start it again, as it was."""
    kill(trial.local.home)
    assert trial.local.start() == trial.bench.environment


def job_status(trial: Trial, run_id: str) -> str | None:
    """What SageMaker says of the run's only job; None until it has one."""
    attempts = trial.run(run_id).attempts
    if not attempts:
        return None
    found = trial.aws.sagemaker.list_training_jobs(NameContains=attempts[0].job_name)["TrainingJobSummaries"]
    return found[0]["SecondaryStatus"] if found else None


def completed_at_last(trial: Trial, run_id: str) -> Run:
    """Wait until the run has completed; wake the dispatcher when the run's next attempt is due, before its minute."""

    def look() -> Run | None:
        run = trial.run(run_id)
        if run.waiting is not None and run.waiting.due <= dt.datetime.now(dt.UTC):
            trial.ports.wakeups.dispatch()
        return run if run.status.is_terminal and run.announced else None

    return trial.eventually(look, f"the end of run {run_id}", 60, lambda: f"it is {trial.run(run_id)}")


def test_what_was_acknowledged_before_a_kill_is_trained_recorded_and_told_once(trial: Trial) -> None:
    trial.pushed(PROJECT)

    trial.drop(PROJECT)
    killed(trial)  # the drop was acknowledged, and that is all
    dropped = trial.completed(trial.new_run(PROJECT).id)

    asked = trial.dropforge("run", PROJECT, "--param", "rest_seconds=4", "--json").document["id"]
    trial.eventually(lambda: job_status(trial, asked) == "Training" or None, "the training", trial.patience.run)
    killed(trial)  # the program is running
    trial.drop(PROJECT, POINTS + b"4,9\n")
    last = trial.new_run(PROJECT, dropped.id, asked)
    trial.eventually(lambda: job_status(trial, last.id) == "Completed" or None, "the job's end", trial.patience.run)
    killed(trial)  # the model lies there, and perhaps nobody has taken note
    trial.completed(last.id)
    repeated = completed_at_last(trial, asked)

    trial.quiet(PROJECT)
    runs = {run.id: run for run in trial.runs(PROJECT)}
    assert runs.keys() == {dropped.id, asked, last.id}
    assert {run.status for run in runs.values()} == {RunStatus.COMPLETED}
    assert [attempt.failure is None for attempt in repeated.attempts] == [False, True]
    assert [len(runs[run_id].attempts) for run_id in (dropped.id, last.id)] == [1, 1]
    for run in runs.values():
        now = trial.run(run.id)
        verify(trial.ports.store.trail(run.id)[: now.trail.sequence], now.trail)
        jobs = trial.aws.sagemaker.list_training_jobs(NameContains=run.attempts[0].job_name[:-2])
        assert len(jobs["TrainingJobSummaries"]) == len(run.attempts)
