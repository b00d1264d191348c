from __future__ import annotations

from dataclasses import replace

import pytest

from dropforge.domain.dead_letter import DeadLetter
from dropforge.domain.project import GuardRails
from tests.fakes.world import DIGITS, START, World, stage_of
from tests.unit.cli.shell import Shell, trained


@pytest.fixture
def shell() -> Shell:
    """A stage on which all is well."""
    shell = Shell()
    trained(shell)
    return shell


def found(shell: Shell) -> list[tuple[str | None, str, str]]:
    answer = shell.type("doctor", "--json")
    assert answer.code == (1 if answer.document else 0)
    return [(each["of"], each["problem"], each["remedy"]) for each in answer.document]


def test_a_stage_on_which_all_is_well_has_no_findings(shell: Shell) -> None:
    answer = shell.type("doctor")
    assert (answer.code, answer.out) == (0, "")
    assert "Nothing is wrong with the stage and its 1 project." in answer.said


def test_a_pending_connection_says_where_to_complete_it(shell: Shell) -> None:
    shell.world.surroundings.connection = "dropforge-test"
    [(of, problem, remedy)] = found(shell)
    assert of is None
    assert "the connection dropforge-test to the code host is pending" in problem
    assert "Developer Tools, Settings, Connections" in remedy


def test_an_address_that_has_not_confirmed_is_named(shell: Shell) -> None:
    shell.world.surroundings.unconfirmed = ("ada@example.com",)
    [(_, problem, remedy)] = found(shell)
    assert problem.startswith("ada@example.com has not confirmed")
    assert "Subscription Confirmation" in remedy


def test_a_project_without_image_and_data_says_what_to_push_and_where_to_drop() -> None:
    remedies = [remedy for _, _, remedy in found(Shell(World()))]
    assert remedies[0].startswith("Push a commit to main of example/digits")
    assert remedies[1] == "Put objects below digits/."


def test_a_quota_of_zero_is_told_for_the_types_that_a_project_may_use(shell: Shell) -> None:
    shell.world.surroundings.quotas = {"ml.m5.large": 0, "ml.p3.2xlarge": 0}
    [(of, problem, _)] = found(shell)
    assert (of, problem) == ("digits", "this account's quota for training on ml.m5.large is 0")
    shell.world.surroundings.quotas = None
    assert found(shell) == []


def test_a_dead_letter_says_how_to_see_why_and_send_it_back(shell: Shell) -> None:
    shell.world.dead_letters.lying = [DeadLetter("sweep-dead-letters", "m-1", START, 6, "failed", "{}")]
    [(_, problem, remedy)] = found(shell)
    assert problem.startswith("sweep-dead-letters holds")
    assert remedy.startswith("`dropforge dead-letters sweep-dead-letters` says why")


def test_guard_rails_that_no_run_can_meet_are_told_before_a_run_is_held() -> None:
    strict = replace(DIGITS, guard_rails=GuardRails(instance_types=("ml.c5.large",)))
    shell = Shell(World(stage_of(strict)))
    trained(shell)
    [(_, problem, remedy)] = found(shell)
    assert "no run of its latest image can start: ml.m5.large is not among the instance types of digits" in problem
    assert "Change compute.instance_type in dropforge.yaml" in remedy


def test_a_pause_and_a_held_run_say_how_to_go_on() -> None:
    strict = replace(DIGITS, guard_rails=GuardRails(max_runtime_minutes=5))
    shell = Shell(World(stage_of(strict)))
    trained(shell)
    shell.world.dispatch()
    shell.type("pause", "digits")
    problems = {problem: remedy for _, problem, remedy in found(shell)}
    [paused] = [problem for problem in problems if problem.startswith("it is paused, by arn:")]
    assert problems[paused] == "`dropforge resume digits` lets it start."
    assert "`dropforge runs digits --status HELD` says why" in problems["1 run is held"]
