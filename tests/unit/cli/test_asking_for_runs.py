from __future__ import annotations

import pytest

from tests.fakes.world import World
from tests.unit.cli.shell import ADA, Shell, trained


@pytest.fixture
def shell() -> Shell:
    shell = Shell()
    trained(shell)
    return shell


def test_another_parameter_is_another_run_recorded_as_its_caller_s(shell: Shell) -> None:
    shell.world.clock.pass_by(minutes=1)
    answer = shell.type("run", "digits", "--param", "epochs=60", "--param", "note=a=b")
    run = shell.world.run(answer.out.strip())
    assert answer.code == 0
    assert run.spec.hyperparameters == {"epochs": "60", "note": "a=b", "seed": "1"}
    assert (run.requester.kind.value, run.requester.name) == ("user", ADA)
    assert f"`dropforge watch {run.id[:12]}`" in answer.said


def test_the_same_inputs_are_the_run_that_there_is(shell: Shell) -> None:
    there = shell.world.only_run()
    shell.world.clock.pass_by(minutes=1)
    answer = shell.type("run", "digits")
    assert answer.out.strip() == there.id
    assert "These inputs are a run already" in answer.said
    assert len(shell.world.store.runs) == 1


def test_data_and_image_may_be_named_by_their_digits_alone(shell: Shell) -> None:
    there = shell.world.only_run()
    shell.world.drop("digits/more.csv", b"4\n")
    shell.world.grow_quiet()
    digits = there.dataset.version.removeprefix("sha256:")
    answer = shell.type("run", "digits", "--dataset", digits, "--image", there.image.digest, "--json")
    assert answer.document["id"] == there.id


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--param", "epochs"], 2, "--param epochs is no NAME=VALUE"),
        (["--dataset", "latest"], 2, "--dataset latest is no digest"),
        (["--dataset", "0" * 64], 3, "digits has no dataset version sha256:000"),
        (["--image", "sha256:" + "0" * 64], 3, "digits has no image sha256:000"),
        (
            ["--param", "nosuch=1"],
            1,
            "digits has no hyperparameter nosuch: its dropforge.yaml at c0ffee00c0ff has epochs",
        ),
        (["--param", "note=" + "x" * 2501], 1, "hyperparameters.note is longer than 2500 characters"),
    ],
)
def test_what_cannot_be_asked_for_makes_no_run(shell: Shell, words: list[str], code: int, said: str) -> None:
    answer = shell.type("run", "digits", *words)
    assert (answer.code, answer.out) == (code, "")
    assert said in answer.said
    assert len(shell.world.store.runs) == 1


def test_a_word_in_a_number_s_place_is_taken_and_remarked_upon(shell: Shell) -> None:
    answer = shell.type("run", "digits", "--param", "epochs=abc", "--param", "note=other", "--param", "seed=2")
    assert answer.code == 0
    assert (
        f"epochs is 40 in dropforge.yaml, and abc is no number: `dropforge stop {answer.out.strip()[:12]}`"
        in answer.said
    )
    assert "note is" not in answer.said
    assert "seed is" not in answer.said


def test_a_project_without_an_image_says_what_to_push() -> None:
    answer = Shell(World()).type("run", "digits")
    assert answer.code == 3
    assert "push a commit to example/digits" in answer.said
