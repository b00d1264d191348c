from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from dropforge.domain.announcement import Outcome
from dropforge.domain.notice import Notice
from dropforge.domain.run import RunStatus
from tests.fakes.world import DIGITS, World, stage_of
from tests.unit.cli.shell import ADA, Shell, trained


@pytest.fixture
def shell() -> Shell:
    return Shell()


def test_a_new_project_says_what_it_waits_for_and_what_to_do(shell: Shell) -> None:
    answer = shell.type("projects")
    assert "digits: waits for image and data" in answer.out
    assert "push a commit to example/digits, branch main, and put objects below digits/" in answer.out


def test_a_project_with_both_is_ready_and_shows_them(shell: Shell) -> None:
    trained(shell)
    head = shell.world.store.head("digits")
    assert head.image is not None
    assert head.data is not None
    shown = shell.type("projects").out
    assert "digits: ready" in shown
    assert head.image.digest in shown
    assert head.data.dataset.version in shown


def test_projects_as_json_names_each_and_what_it_waits_for(shell: Shell) -> None:
    shell.world.push()
    (document,) = shell.type("projects", "--json").document
    assert (document["project"]["name"], document["waits_for"]) == ("digits", "data")
    assert document["head"]["image"]["commit"] == "c1"
    assert document["project"]["repository"] == "example/digits"


def test_a_project_whose_data_was_refused_says_what_to_mend_and_not_to_drop_more(shell: Shell) -> None:
    shell.world.push()
    shell.world.drop("digits/training/empty.csv", b"")
    shell.world.grow_quiet()
    shown = shell.type("projects").out
    assert "digits/training/empty.csv is empty: upload it again" in shown
    assert "mend what was refused below digits/" in shown
    assert "put objects below" not in shown
    assert "empty.csv" in shell.type("projects", "--json").document[0]["refused"]["sentence"]


def test_what_was_refused_is_forgotten_once_later_data_was_taken(shell: Shell) -> None:
    refused = shell.world.drop("digits/training/empty.csv", b"")
    shell.world.grow_quiet()
    assert "refused" in shell.type("projects").out
    shell.world.bucket.delete(refused.key)
    trained(shell)
    assert "refused" not in shell.type("projects").out


def test_a_paused_project_starts_nothing_until_it_is_resumed(shell: Shell) -> None:
    run = trained(shell)
    assert "`dropforge resume digits`" in shell.type("pause", "digits").out
    assert f"digits: paused (digits, by {ADA}" in shell.type("projects").out
    shell.world.dispatch()
    assert shell.world.run(run).status is RunStatus.WAITING
    assert shell.type("resume", "digits").code == 0
    shell.world.dispatch()
    assert shell.world.run(run).status is RunStatus.RUNNING


def test_resuming_one_project_of_a_paused_stage_says_that_the_stage_is_paused_still() -> None:
    shell = Shell(World(stage_of(DIGITS, replace(DIGITS, name="cancer", data_prefix="cancer/"))))
    shell.type("pause", "--all")
    answer = shell.type("resume", "cancer")
    assert "`dropforge resume --all`" in answer.said
    assert shell.type("resume", "--all", "--json").document == {"released": [], "paused": None}
    assert "paused" not in shell.type("projects").out


@pytest.mark.parametrize("words", [["pause"], ["resume"], ["pause", "digits", "--all"]])
def test_pause_and_resume_want_one_project_or_all_of_them(shell: Shell, words: list[str]) -> None:
    answer = shell.type(*words)
    assert answer.code == 2
    assert "Name one project, or say --all." in answer.said


def test_notices_tell_what_happened_and_what_to_do(shell: Shell) -> None:
    at = datetime(2026, 1, 31, 12, tzinfo=UTC)
    notice = Notice(Outcome.REFUSED, None, "elsewhere/a.csv", "It lies outside every prefix: move it.", at)
    shell.world.store.put_notice(notice)
    answer = shell.type("notices")
    assert answer.out.splitlines() == [
        "2026-01-31 12:00:00 UTC  refused  elsewhere/a.csv",
        "  It lies outside every prefix: move it.",
    ]
    assert shell.type("notices", "--json").document[0]["id"] == notice.id
