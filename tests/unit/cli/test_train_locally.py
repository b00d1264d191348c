from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from tests.unit.cli.shell import Shell

PROGRAM = Path(__file__).parents[2] / "journey" / "program"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working copy and its data, on a machine on which no container engine answers."""
    folder = tmp_path / "program"
    shutil.copytree(PROGRAM, folder)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "points.csv").write_text("0,1\n1,3\n2,5\n")
    (tmp_path / "bin").mkdir()
    for name in ("env", "python3"):
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return folder


def train(program: Path, *words: str, data: str = "data") -> tuple[int, str, str]:
    answer = Shell().type("train", "--local", str(program.parent / data), "--program", str(program), *words)
    return answer.code, answer.out, answer.said


def test_the_working_copy_trains_here_and_its_metrics_are_told(program: Path) -> None:
    code, out, said = train(program)
    assert code == 0, said
    printed, summary = out.splitlines()
    assert printed.startswith("3 points; mean squared error=")
    assert summary.startswith("error 0.")
    assert "1 file in the model" in summary
    assert "No docker or podman answers" in said


def test_a_parameter_of_the_command_line_wins(program: Path) -> None:
    assert train(program, "--param", "epochs=1")[1] != train(program)[1]


def test_the_model_is_packed_as_sagemaker_packs_it(program: Path, tmp_path: Path) -> None:
    assert train(program, "--to", str(tmp_path / "model.tar.gz"))[0] == 0
    with tarfile.open(tmp_path / "model.tar.gz") as archive:
        assert archive.getnames() == ["line.json"]


def test_as_json_stdout_is_the_result_alone(program: Path) -> None:
    data = str(program.parent / "data")
    answer = Shell().type("train", "--local", data, "--program", str(program), "--json")
    assert set(answer.document["metrics"]) == {"error"}
    assert (answer.document["model"], answer.document["ran_in"]) == (["line.json"], "this machine")
    assert "3 points" in answer.said


def test_each_folder_of_the_data_is_a_channel(program: Path) -> None:
    (program.parent / "data" / "training").mkdir()
    (program.parent / "data" / "points.csv").rename(program.parent / "data" / "training" / "points.csv")
    assert "3 points" in train(program)[1]


def test_a_channel_that_is_missing_says_which_folder_to_make(program: Path) -> None:
    (program / "dropforge.yaml").write_text("channels: { holdout: File }\n")
    code, out, said = train(program)
    assert (code, out) == (1, "")
    assert "reads the channel holdout" in said
    assert str(program.parent / "data" / "holdout") in said


def test_a_program_that_fails_ends_with_1_and_shows_what_it_printed(program: Path) -> None:
    (program / "train.py").write_text("raise SystemExit('no label')")
    code, out, said = train(program)
    assert (code, out) == (1, "no label\n")
    assert "The program ended with 1." in said


@pytest.mark.parametrize(("words", "code"), [([], 2), (["--local", "nowhere"], 1)])
def test_data_that_is_not_there_is_said_before_anything_runs(words: list[str], code: int) -> None:
    answer = Shell().type("train", *words)
    assert (answer.code, answer.out) == (code, "")
    assert "--local" in answer.said
