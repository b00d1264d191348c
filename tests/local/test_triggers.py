"""What starts a build, what starts a run, and what starts neither."""

from __future__ import annotations

import pytest

from dropforge.domain.run import RequesterKind
from tests.local.trial import POINTS, Trial

pytestmark = pytest.mark.local


def test_where_data_rebuilds_a_drop_builds_the_same_commit_anew_and_trains_that_image_once(trial: Trial) -> None:
    first = trial.pushed("rebuild")
    trial.drop("rebuild")
    run = trial.completed(trial.new_run("rebuild", seconds=trial.patience.build).id)

    assert run.image.commit == first.commit
    assert run.image.execution_id != first.execution_id
    assert run.requester.kind is RequesterKind.DROP
    assert trial.head("rebuild").image == run.image
    assert [each.id for each in trial.runs("rebuild")] == [run.id]
    rebuild = trial.ports.store.rebuild("rebuild", run.dataset.version)
    assert rebuild is not None
    assert rebuild.execution_id == run.image.execution_id


def test_where_a_push_only_builds_its_image_waits_for_the_next_drop(trial: Trial) -> None:
    trial.pushed("build")
    trial.drop("build")
    first = trial.completed(trial.new_run("build").id)

    copy = trial.opened("build")
    copy.change("dropforge.yaml", "epochs: 200", "epochs: 250")
    commit = copy.push("Take longer")
    assert trial.built("build", commit)["status"] == "Succeeded"
    assert [run.id for run in trial.runs("build")] == [first.id]

    trial.drop("build", POINTS + b"5,11\n")
    assert trial.new_run("build", first.id).image.commit == commit


def test_a_commit_that_skips_training_builds_and_other_branches_and_paths_do_not_even_that(trial: Trial) -> None:
    trial.drop("filtered")
    copy = trial.clone("filtered")
    skipped = copy.push("Tidy up [skip train]")
    assert trial.built("filtered", skipped)["status"] == "Succeeded"
    assert trial.image_of("filtered", skipped).commit == skipped
    assert trial.runs("filtered") == ()

    copy.push("Not here", branch="elsewhere")
    (copy.folder / "docs").mkdir()
    (copy.folder / "docs" / "page.md").write_text("words")
    copy.push("Document")
    copy.change("train.py", "points; mean", "points now; mean")
    commit = copy.push("Say it otherwise")

    run = trial.completed(trial.new_run("filtered", seconds=trial.patience.build).id)
    assert run.image.commit == commit
    executions = trial.executions("filtered")
    built = [revision["revisionId"] for each in executions for revision in each.get("sourceRevisions", ())]
    assert built == [commit, skipped]
