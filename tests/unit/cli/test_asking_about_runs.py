from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from dropforge.domain.run import Run
from dropforge.domain.training_job import JobStatus
from dropforge.domain.training_spec import TrainingSpec
from tests.fakes.memory_jobs import JobEnd
from tests.unit.cli.shell import Shell

FIRST, SECOND = "c0ffee" + "0" * 34, "7ea" + "0" * 37
BAD = JobEnd(JobStatus.FAILED, "Failed", model=None, failure_reason="AlgorithmError: no label")


@pytest.fixture
def shell() -> Shell:
    """Three runs, an hour apart: of a commit, then on other data, which fails, then of another commit, which waits."""
    shell = Shell()
    world = shell.world
    world.push(commit=FIRST, spec=TrainingSpec(hyperparameters={"epochs": "40", "depth": "3"}))
    world.drop("digits/a.csv", b"1\n")
    world.grow_quiet()
    end(shell, JobEnd(metrics={"accuracy": Decimal("0.95")}))
    world.clock.pass_by(hours=1)
    world.drop("digits/a.csv", b"2\n")
    world.drop("digits/b.csv", b"3\n")
    world.grow_quiet()
    end(shell, BAD)
    world.clock.pass_by(hours=1)
    world.push(commit=SECOND, spec=TrainingSpec(hyperparameters={"epochs": "60", "depth": "3"}))
    return shell


def end(shell: Shell, how: JobEnd) -> None:
    shell.world.dispatch()
    [run] = [run for run in shell.world.store.runs.values() if run.status.is_open]
    shell.world.finish(run, how)


def by_age(shell: Shell) -> list[Run]:
    return sorted(shell.world.store.runs.values(), key=lambda run: run.requested_at)


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ([], [2, 1, 0]),
        (["--status", "FAILED"], [1]),
        (["--status", "FAILED", "--status", "WAITING"], [2, 1]),
        (["--commit", FIRST], [1, 0]),
        (["--commit", "C0FFEE"], [1, 0]),
        (["--data", "digits/b.csv"], [2, 1]),
        (["--data", "s3://training-bucket/digits/a.csv?versionId=digits/a.csv@1"], [0]),
        (["--author", "ADA@example"], [2, 1, 0]),
        (["--author", "grace"], []),
        (["--since", "90m"], [2, 1]),
        (["--since", "2026-01-31T13:30"], [2]),
        (["--commit", FIRST, "--status", "COMPLETED"], [0]),
        (["--limit", "2"], [2, 1]),
    ],
)
def test_runs_are_found_by_what_one_knows_of_them(shell: Shell, words: list[str], wanted: list[int]) -> None:
    runs = by_age(shell)
    answer = shell.type("runs", *words, "--json")
    assert answer.code == 0
    assert [each["id"] for each in answer.document] == [runs[number].id for number in wanted]


def test_runs_are_found_by_dataset_version_whole_or_shortened(shell: Shell) -> None:
    runs = by_age(shell)
    for version in (runs[0].dataset.version, runs[0].dataset.version.removeprefix("sha256:")[:12]):
        assert [each["id"] for each in shell.type("runs", "--data", version, "--json").document] == [runs[0].id]


def test_each_page_says_how_to_see_the_next_and_together_they_are_all(shell: Shell) -> None:
    seen, more = list[str](), list[str]()
    for _ in range(3):
        answer = shell.type("runs", "--limit", "1", *more)
        seen.append(answer.out.splitlines()[1].split()[0])
        more = answer.said.removeprefix("There may be more: add ").rstrip(".\n").split()
    assert seen == [run.id[:12] for run in reversed(by_age(shell))]
    assert shell.type("runs", *more, "--json").document == []


def test_a_time_that_is_none_is_not_understood(shell: Shell) -> None:
    answer = shell.type("runs", "--since", "yesterday")
    assert (answer.code, answer.out) == (2, "")
    assert "--since yesterday is no time" in answer.said


def test_compare_marks_what_differs_and_nothing_else(shell: Shell) -> None:
    first, _, third = by_age(shell)
    lines = shell.type("compare", first.id, third.id[:8]).out.splitlines()
    marked = {line[1:].strip().split("  ")[0] for line in lines if line.startswith("*")}
    assert {"parameter epochs", "commit", "data", "objects", "status", "metric accuracy"} <= marked
    assert not {"parameter depth", "instance", "project"} & marked
    assert f"{third.id[:12]}  object added: digits/b.csv" in lines
    assert f"{third.id[:12]}  object changed: digits/a.csv" in lines


def test_compare_as_json_has_every_fact_of_every_run(shell: Shell) -> None:
    first, second, _ = by_age(shell)
    document = shell.type("compare", first.id, second.id, "--json").document
    facts = {fact["name"]: (fact["values"], fact["differs"]) for fact in document["facts"]}
    assert facts["parameter epochs"] == (["40", "40"], False)
    assert facts["metric accuracy"] == (["0.95", None], True)
    assert document["data"] == [{"added": ["digits/b.csv"], "removed": [], "changed": ["digits/a.csv"]}]
    assert document["commits"] == [[]]


def test_compare_lists_the_commits_between_in_a_clone_that_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def git(*words: str) -> str:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        return subprocess.run(["git", *who, *words], check=True, capture_output=True, text=True).stdout.strip()

    git("init", "--quiet")
    shell, commits = Shell(), list[str]()
    for message in ("Begin", "Deepen the trees"):
        git("commit", "--quiet", "--allow-empty", "--message", message)
        commits.append(git("rev-parse", "HEAD"))
        shell.world.push(commit=commits[-1])
        if len(commits) == 1:
            shell.world.drop("digits/a.csv", b"1\n")
            shell.world.grow_quiet()
    first, second = by_age(shell)
    assert f"commit > {commits[1][:7]} Deepen the trees (Ada)" in shell.type("compare", first.id, second.id).out


def test_one_run_alone_cannot_be_compared(shell: Shell) -> None:
    assert shell.type("compare", by_age(shell)[0].id).code == 2


def test_cost_adds_up_what_ended_by_project(shell: Shell) -> None:
    [document] = shell.type("cost", "--json").document
    assert (document["project"], document["runs"], document["billable_seconds"]) == ("digits", 2, 120)
    assert Decimal(document["cost_usd"]) == 2 * Decimal("0.0019")
    assert "2 min" in shell.type("cost", "digits").out
    assert shell.type("cost", "--since", "1m", "--json").document[0]["runs"] == 0


def test_watch_without_a_run_tells_of_every_run_from_now_on(shell: Shell) -> None:
    waiting = by_age(shell)[2]
    steps: Iterator[str] = iter(["dispatch", "finish"])

    def step() -> None:
        match next(steps, None):
            case "dispatch":
                shell.world.dispatch()
            case "finish":
                shell.world.finish(shell.world.run(waiting.id))
            case None:
                raise KeyboardInterrupt

    shell.while_waiting = step
    answer = shell.type("watch", "--json")
    told = [json.loads(line) for line in answer.out.splitlines()]
    assert answer.code == 130
    assert [each["type"] for each in told] == ["AttemptIntended", "AttemptStarted", "RunFinished"]
    assert {each["run"] for each in told} == {waiting.id}


def test_a_log_is_followed_until_its_attempt_ends_and_each_line_told_once(shell: Shell) -> None:
    waiting = by_age(shell)[2]
    world, steps = shell.world, iter(range(9))

    def step() -> None:
        match next(steps):
            case 0:
                world.dispatch()
            case 1:
                world.jobs.logs[world.run(waiting.id).attempts[0].job_name] = ("one", "two")
            case 2:
                world.finish(world.run(waiting.id), JobEnd(log=("one", "two", "three")))

    shell.while_waiting = step
    answer = shell.type("logs", waiting.id, "-f")
    assert (answer.code, answer.out) == (0, "one\ntwo\nthree\n")
