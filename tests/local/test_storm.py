"""Many objects at once, each to be trained on by itself: none is lost, and none is trained on twice."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from dropforge.domain.artifact_layout import manifest_key
from dropforge.domain.run import Run, RunStatus
from dropforge.domain.trail import verify
from dropforge.workflow.ports import WHENEVER
from tests.local.trial import Trial

pytestmark = pytest.mark.local

PROJECT = "storm"
SENDERS = 16


@pytest.mark.parametrize(
    ("objects", "seconds"),
    [pytest.param(20, 300, id="20"), pytest.param(500, 3600, id="500", marks=pytest.mark.slow)],
)
def test_each_of_many_objects_is_trained_on_exactly_once(trial: Trial, objects: int, seconds: float) -> None:
    if trial.head(PROJECT).image is None:
        trial.pushed(PROJECT)
    before = {run.id for run in trial.ports.store.runs_of_project(PROJECT, 2 * objects)}

    def drop(number: int) -> tuple[str, str]:
        key = f"{PROJECT}/training/{objects}-{number:03}.csv"
        return key, trial.put(key, f"0,{number}\n1,{number + 2}\n2,{number + 4}\n".encode())

    with ThreadPoolExecutor(SENDERS) as senders:
        dropped = set(senders.map(drop, range(objects)))

    def ended() -> list[Run] | None:
        if _is_busy(trial):
            return None
        runs = [run for run in trial.ports.store.runs_of_project(PROJECT, 3 * objects) if run.id not in before]
        return runs if len(runs) >= objects and all(map(_is_over, runs)) else None

    runs = trial.eventually(ended, f"the end of {objects} runs", seconds)

    trial.quiet(PROJECT)
    assert {run.status for run in runs} == {RunStatus.COMPLETED}
    assert sorted(_objects(trial, run) for run in runs) == sorted([each] for each in dropped)
    jobs = trial.aws.sagemaker.get_paginator("list_training_jobs").paginate()
    made = [job["TrainingJobName"] for page in jobs for job in page["TrainingJobSummaries"]]
    for run in runs:
        [attempt] = run.attempts
        assert [name for name in made if name.startswith(attempt.job_name[:-2])] == [attempt.job_name]
        verify(trial.ports.store.trail(run.id), run.trail)


def _is_busy(trial: Trial) -> bool:
    """Whether a run waits, is open or is to be signed: which costs less to ask, again and again, than for all runs."""
    store = trial.ports.store
    refs = (*store.first_in_line(WHENEVER), *store.open_runs(), *store.unsigned_runs())
    return any(ref.project == PROJECT for ref in refs)


def _is_over(run: Run) -> bool:
    """Whether the run has ended, people were told, and nothing of what follows is left to record."""
    return run.status.is_terminal and bool(run.announced) and run.signed is not None


def _objects(trial: Trial, run: Run) -> list[tuple[str, str]]:
    """Key and version of each object that a run was trained on."""
    manifest = trial.ports.bucket.manifest(manifest_key(run.project, run.dataset.version))
    return [(each.key, each.version_id) for each in manifest.objects]
