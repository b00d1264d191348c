"""What enters a dataset version, and what a record says of data that did not stay as it was."""

from __future__ import annotations

import time

import pytest

from dropforge.domain.dataset import DataMoved
from dropforge.domain.run import Run, RunStatus
from tests.local.trial import POINTS, Trial

pytestmark = pytest.mark.local

OTHER_POINTS = POINTS + b"4,9\n"
A_SECOND_OF_S3 = 1.1


def test_an_object_that_is_replaced_while_a_job_reads_it_is_told_of_on_record_and_trained_on_afresh(
    trial: Trial,
) -> None:
    first = trial.trained("verified")
    asked = trial.dropforge("run", "verified", "--param", "rest_seconds=6", "--json").document["id"]

    def trains() -> Run | None:
        run = trial.run(asked)
        return run if run.status is RunStatus.RUNNING else None

    trial.eventually(trains, f"run {asked} training", trial.patience.run)
    trial.drop("verified", OTHER_POINTS)
    moved = trial.completed(asked)
    fresh = trial.completed(trial.new_run("verified", first.id).id)

    assert [run.dataset.is_verified for run in (first, moved, fresh)] == [True, True, True]
    assert [result_of(run) for run in (first, moved, fresh)] == [
        None,
        DataMoved.of(["verified/training/points.csv"]),
        None,
    ]
    assert moved.dataset.version == first.dataset.version != fresh.dataset.version
    shown = trial.dropforge("show", asked).out
    assert "verified/training/points.csv" in shown
    assert "moved" in shown


def result_of(run: Run) -> DataMoved | None:
    assert run.result is not None
    return run.result.moved


def test_where_a_marker_seals_nothing_trains_before_it_and_what_comes_later_waits_for_the_next_one(
    trial: Trial,
) -> None:
    trial.pushed("marked")
    trial.drop("marked", file="first.csv")
    trial.quiet("marked")
    assert trial.runs("marked") == ()

    trial.put("marked/_SUCCESS", b"")
    time.sleep(A_SECOND_OF_S3)  # S3 dates to the second, and what it dates to that of the marker is before it
    trial.drop("marked", OTHER_POINTS, file="second.csv")
    first = trial.completed(trial.new_run("marked").id)
    trial.quiet("marked")
    assert [run.id for run in trial.runs("marked")] == [first.id]
    assert first.dataset.objects == 1

    trial.put("marked/_SUCCESS", b"")
    second = trial.completed(trial.new_run("marked", first.id).id)
    assert second.dataset.objects == 2
