from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dropforge.domain.training_job import JobStatus
from dropforge.workflow.sign_run import sign_run
from tests.fakes.memory_jobs import JobEnd
from tests.unit.cli.shell import Shell, trained


@pytest.fixture
def shell() -> Shell:
    return Shell()


def finished(shell: Shell, end: JobEnd) -> str:
    run = trained(shell)
    shell.world.dispatch()
    shell.world.finish(shell.world.run(run), end)
    return run


def test_the_model_is_written_whole_and_named_by_its_run(shell: Shell, tmp_path: Path) -> None:
    run = finished(shell, JobEnd(model=b"weights"))
    answer = shell.type("download", run[:8], "--to", str(tmp_path), "--json")
    file = tmp_path / f"digits-{run[:12]}.tar.gz"
    assert answer.code == 0
    assert file.read_bytes() == b"weights"
    assert answer.document["file"] == str(file)
    assert answer.document["sha256"] == hashlib.sha256(b"weights").hexdigest()


def test_what_is_not_the_recorded_model_is_refused_and_leaves_no_file(shell: Shell, tmp_path: Path) -> None:
    run = finished(shell, JobEnd(model=b"weights"))
    for key in shell.world.bucket.artifacts:
        shell.world.bucket.artifacts[key] = b"other"
    answer = shell.type("download", run, "--to", str(tmp_path / "model.tar.gz"))
    assert answer.code == 1
    assert "is not the recorded model" in answer.said
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_never_overwritten(shell: Shell, tmp_path: Path) -> None:
    run = finished(shell, JobEnd())
    (tmp_path / "mine").write_text("mine")
    answer = shell.type("download", run, "--to", str(tmp_path / "mine"))
    assert answer.code == 1
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize("moment", ["Ctrl-C", "its statement is there"])
def test_what_is_cut_off_or_refused_leaves_neither_a_model_nor_a_statement(
    shell: Shell, tmp_path: Path, moment: str
) -> None:
    run = finished(shell, JobEnd(model=b"weights"))
    sign_run(shell.world.ports, run)
    if moment == "Ctrl-C":
        shell.interrupt_fetching = True
    else:
        (tmp_path / "model.tar.gz.intoto.jsonl").write_text("another's")
    answer = shell.type("download", run, "--to", str(tmp_path / "model.tar.gz"))
    assert answer.code == (130 if moment == "Ctrl-C" else 1)
    there = {each.name: each.read_text() for each in tmp_path.iterdir()}
    assert there == ({} if moment == "Ctrl-C" else {"model.tar.gz.intoto.jsonl": "another's"})


def test_a_run_without_a_model_ends_with_3_and_says_where_to_look(shell: Shell, tmp_path: Path) -> None:
    run = finished(shell, JobEnd(JobStatus.FAILED, "Failed", model=None, failure_reason="AlgorithmError"))
    answer = shell.type("download", run, "--to", str(tmp_path))
    assert answer.code == 3
    assert f"`dropforge show {run}` says why" in answer.said


def test_a_run_that_has_not_ended_ends_with_3(shell: Shell, tmp_path: Path) -> None:
    answer = shell.type("download", trained(shell), "--to", str(tmp_path))
    assert answer.code == 3
    assert "is WAITING" in answer.said


def test_a_model_whose_hash_was_not_recorded_is_written_and_that_is_said(shell: Shell, tmp_path: Path) -> None:
    shell.world.bucket.while_reading = lambda: shell.world.clock.pass_by(minutes=5)
    run = finished(shell, JobEnd(model=b"weights"))
    assert "SHA-256 unknown" in shell.type("show", run).out
    answer = shell.type("download", run, "--to", str(tmp_path))
    assert answer.code == 0
    assert hashlib.sha256(b"weights").hexdigest() in answer.out
    assert "recorded no SHA-256" in answer.said
