from __future__ import annotations

import subprocess
import sys

import pytest

from dropforge.cli.main import COMMANDS
from dropforge.cli.reference import PAGE, page
from tests.unit.cli.shell import Shell

PROGRAM = "dropforge"


@pytest.fixture
def shell() -> Shell:
    return Shell()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_and_takes_json(shell: Shell, name: str) -> None:
    answer = shell.type(name, "--help")
    assert answer.code == 0
    assert f"\n  For example:\n      dropforge {name}" in answer.out
    assert "--json" in answer.out


def test_the_exit_codes_are_in_the_help(shell: Shell) -> None:
    assert "130 interrupted" in " ".join(shell.type("--help").out.split())


def test_stage_profile_and_region_are_taken_from_the_options(shell: Shell) -> None:
    shell.type("runs", "--stage", "dev", "--profile", "ada", "--region", "eu-west-1")
    (place,) = shell.places
    assert (place.stage, place.profile, place.region) == ("dev", "ada", "eu-west-1")


def test_the_stage_is_taken_from_the_environment(shell: Shell) -> None:
    shell.environment = {"DROPFORGE_STAGE": "prod", "AWS_REGION": "eu-central-1"}
    shell.type("runs")
    assert [(place.stage, place.region) for place in shell.places] == [("prod", "eu-central-1")]


def test_what_aws_refuses_is_one_sentence_and_exit_code_4(shell: Shell) -> None:
    shell.out_of_reach = True
    answer = shell.type("runs", "--json")
    assert (answer.code, answer.out) == (4, "")
    assert answer.said == "There are no AWS credentials: sign in.\n"


def test_a_word_that_is_no_command_or_option_ends_with_2(shell: Shell) -> None:
    assert shell.type("trian").code == 2
    assert shell.type("runs", "--limt", "3").code == 2


def test_ctrl_c_ends_with_130(shell: Shell) -> None:
    shell.world.push()
    shell.world.drop("digits/a.csv")
    shell.world.grow_quiet()

    def interrupt() -> None:
        raise KeyboardInterrupt

    shell.while_waiting = interrupt
    answer = shell.type("watch", shell.world.only_run().id)
    assert answer.code == 130
    assert "Interrupted." in answer.said


def test_help_imports_neither_boto3_nor_pydantic_nor_rich() -> None:
    program = "import dropforge.cli.main, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert {"boto3", "botocore", "pydantic", "rich"}.isdisjoint(loaded)


def test_python_m_dropforge_is_the_same_program() -> None:
    done = subprocess.run([sys.executable, "-m", "dropforge", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("dropforge ")


def test_the_reference_page_is_what_the_commands_say_of_themselves() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make reference`"


@pytest.mark.parametrize("shell_name", ["bash", "zsh", "fish"])
def test_completion_knows_every_command(shell_name: str) -> None:
    asked = {
        f"_{PROGRAM.upper()}_COMPLETE": f"complete_{shell_name}",
        "COMP_WORDS": f"{PROGRAM} ",
        "COMP_CWORD": "1",
        "_TYPER_COMPLETE_ARGS": f"{PROGRAM} ",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    program = [sys.executable, "-m", PROGRAM]
    done = subprocess.run(program, capture_output=True, text=True, check=True, env=asked)
    assert [name for name in COMMANDS if name not in done.stdout] == []
