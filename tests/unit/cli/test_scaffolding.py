from __future__ import annotations

from pathlib import Path

import pytest

from dropforge.cli.init import EXAMPLES, FILES
from dropforge.documents.training_spec import read_training_spec
from tests.unit.cli.shell import Shell

ROOT = Path(__file__).resolve().parents[3]
STAGE = "stage: dev\nregion: eu-west-1\nops: {mail: [ops@example.com]}\n"


@pytest.fixture
def shell() -> Shell:
    return Shell()


@pytest.mark.parametrize("example", ["digits", "cancer"])
def test_init_writes_the_example_with_what_was_asked_for(shell: Shell, tmp_path: Path, example: str) -> None:
    folder = tmp_path / "mine"
    words = ["--example", example, "--instance-type", "ml.c5.xlarge", "--max-runtime-minutes", "25"]
    answer = shell.type("init", str(folder), *words)
    assert answer.code == 0
    spec = read_training_spec(folder / "dropforge.yaml")
    assert (spec.compute.instance_type, spec.stopping.max_runtime_minutes) == ("ml.c5.xlarge", 25)
    assert (folder / "train.py").read_bytes() == (EXAMPLES / example / "train.py").read_bytes()


def test_init_leaves_nothing_of_an_example_out() -> None:
    for example in EXAMPLES.iterdir():
        assert {file.name for file in example.iterdir() if not file.name.startswith("__")} == set(FILES)


def test_init_overwrites_nothing(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("mine")
    answer = shell.type("init", str(tmp_path))
    assert answer.code == 1
    assert "has train.py already" in answer.said
    assert [file.name for file in tmp_path.iterdir()] == ["train.py"]


def test_init_with_an_instance_type_that_is_none_writes_nothing(shell: Shell, tmp_path: Path) -> None:
    answer = shell.type("init", str(tmp_path / "mine"), "--instance-type", "t2.micro")
    assert answer.code == 1
    assert '"t2.micro" is not an instance type' in answer.said
    assert not (tmp_path / "mine").exists()


def test_validate_says_in_a_word_that_all_is_well(shell: Shell) -> None:
    file = ROOT / "examples" / "digits" / "dropforge.yaml"
    assert "is right" in shell.type("validate", str(file)).out
    assert shell.type("validate", str(file), "--json").document["hyperparameters"]["epochs"] == "40"


def test_validate_tells_every_mistake_on_stderr_and_ends_with_1(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "dropforge.yaml"
    file.write_text("chanels: {}\ncompute: {volume_gb: 0}\n")
    answer = shell.type("validate", str(file), "--json")
    assert (answer.code, answer.out) == (1, "")
    assert [line.split(": ")[0] for line in answer.said.splitlines()] == [f"{file}:1", f"{file}:2"]


def test_validate_checks_a_stage_s_configuration_too(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "dev.yaml"
    file.write_text("stage: dev\nregion: eu-west-1\nprojects: {digits: {repository: a/b}}\n")
    assert shell.type("validate", "--config", str(file), "--json").document["projects"][0]["name"] == "digits"


def test_validate_warns_of_what_is_a_placeholder_and_of_alarms_that_reach_nobody(shell: Shell) -> None:
    answer = shell.type("validate", "--config", str(ROOT / "config" / "prod.yaml"))
    assert answer.code == 0
    assert "is right, but for the warnings" in answer.out
    assert "`ops.mail` is empty, so alarms reach nobody" in answer.said
    assert "`repository: your-org/digits` is a placeholder" in answer.said


def test_validate_has_no_warning_where_everything_is_meant(shell: Shell) -> None:
    answer = shell.type("validate", "--config", str(ROOT / "config" / "local.yaml"))
    assert (answer.code, answer.said) == (0, "")


def test_validate_warns_of_a_stage_that_is_kept_in_an_account_that_nothing_names(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "dev.yaml"

    def warnings_of(lines: str) -> list[str]:
        file.write_text(STAGE + lines)
        return list(shell.type("validate", "--config", str(file), "--json").document["warnings"])

    [warning] = warnings_of("")
    assert warning.startswith(f"{file}:1: `account` is not named, so this stage, which is to stay, goes to whichever")
    assert warnings_of("removal: destroy\n") == []
    assert warnings_of('account: "123456789012"\n') == []


def test_validate_warns_of_a_lock_of_more_than_ten_years(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "dev.yaml"
    for days, told in ((3653, False), (3654, True), (36500, True)):
        file.write_text(f'{STAGE}account: "123456789012"\naudit: {{lock_days: {days}}}\n')
        warnings = shell.type("validate", "--config", str(file), "--json").document["warnings"]
        assert [warning.startswith(f"{file}:5: nobody can remove what is signed") for warning in warnings] == [
            True
        ] * told


def test_validate_warns_of_a_push_that_builds_two_projects_but_not_where_their_paths_are_apart(
    shell: Shell, tmp_path: Path
) -> None:
    file = tmp_path / "dev.yaml"
    start = f"{STAGE}removal: destroy\nprojects:\n"
    file.write_text(f"{start}  a: {{repository: x/y}}\n  b: {{repository: x/y}}\n")
    [warning] = shell.type("validate", "--config", str(file), "--json").document["warnings"]
    assert warning.startswith(f"{file}:7: a push to x/y, branch main, builds both a and b; keep them apart by")
    a, b = (f"  {name}: {{repository: x/y, paths: {{include: [{name}/**]}}}}\n" for name in "ab")
    file.write_text(start + a + b)
    assert shell.type("validate", "--config", str(file), "--json").document["warnings"] == []
