from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from dropforge.domain.encoding import encode_object
from dropforge.domain.project import GuardRails
from dropforge.domain.training_job import JobStatus
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.world import DIGITS, World, stage_of
from tests.unit.cli.shell import Shell, trained

GOOD = JobEnd(metrics={"accuracy": Decimal("0.9774")}, log=("epoch=40 accuracy=0.9774",))
CRASHED = JobEnd(
    JobStatus.FAILED, "Failed", model=None, failure_reason="AlgorithmError: no label", log=("Traceback", "boom")
)


@pytest.fixture
def shell() -> Shell:
    return Shell()


@pytest.fixture
def run(shell: Shell) -> str:
    return trained(shell)


def end(shell: Shell, run: str, how: JobEnd) -> None:
    shell.world.dispatch()
    shell.world.finish(shell.world.run(run), how)


def test_runs_shows_each_run_with_what_became_of_it(shell: Shell, run: str) -> None:
    end(shell, run, GOOD)
    answer = shell.type("runs")
    assert answer.code == 0
    heading, line = answer.out.splitlines()
    assert heading.split()[:3] == ["RUN", "PROJECT", "STATUS"]
    assert line.startswith(f"{run[:12]}  digits   COMPLETED")
    assert "c0ffee00c0ff" in line
    assert line.endswith("accuracy 0.9774")


def test_runs_as_json_is_the_records_themselves_and_nothing_else_on_stdout(shell: Shell, run: str) -> None:
    answer = shell.type("runs", "digits", "--json")
    assert answer.document == [encode_object(shell.world.run(run))]
    assert answer.said == ""


def test_runs_names_a_record_that_cannot_be_read_and_lists_the_others(shell: Shell, run: str) -> None:
    other = shell.type("run", "digits", "--param", "seed=2", "--json").document["id"]
    shell.world.store.unreadable.add(run)
    answer = shell.type("runs", "--json")
    assert [each["id"] for each in answer.document] == [other]
    assert f"The record of run {run} of digits cannot be read" in answer.said


def test_runs_of_a_project_that_nobody_declared_ends_with_3(shell: Shell) -> None:
    answer = shell.type("runs", "nope")
    assert (answer.code, answer.out) == (3, "")
    assert "there is no project 'nope' here" in answer.said


def test_no_runs_yet_says_where_to_look_and_prints_no_result(shell: Shell) -> None:
    answer = shell.type("runs")
    assert (answer.code, answer.out) == (0, "")
    assert "`dropforge projects`" in answer.said
    assert shell.type("runs", "--json").document == []


def test_show_tells_the_whole_record_as_a_person_reads_it(shell: Shell, run: str) -> None:
    end(shell, run, GOOD)
    shown = shell.type("show", run[:6]).out
    record = shell.world.run(run)
    assert record.result is not None
    assert record.result.model is not None
    facts = [
        f"{run}  digits  COMPLETED",
        "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00",
        "“Learn digits” by Ada <ada@example.com> (as git claims)",
        record.image.uri,
        record.dataset.version,
        "training: digits/digits.csv, 6 bytes, version digits/digits.csv@1",
        "by AWS:ADA from 192.0.2.7",
        f"dropforge-test-{run}-01",
        "accuracy = 0.9774",
        record.result.model.hash_sentence,
        "1 min billable",
        "memory",
        "epoch=40 accuracy=0.9774",
        "completed: accuracy 0.9774",
    ]
    assert [fact for fact in facts if fact not in shown] == []


def test_show_says_of_the_run_that_a_limit_holds_back_what_would_let_it_start(shell: Shell) -> None:
    first = trained(shell)
    for epochs in ("60", "80"):
        shell.world.clock.pass_by(seconds=1)
        last = shell.type("run", "digits", "--param", f"epochs={epochs}").out.strip()
    shell.world.dispatch()
    shown = " ".join(shell.type("show", last).out.split())
    assert "waits: digits has 2 runs open, as many as it may. Nothing is lost" in shown
    assert "raise guard_rails.concurrent_runs of digits" in shown
    assert "raise guard_rails" not in shell.type("show", first).out


def test_show_as_json_has_run_objects_and_the_whole_trail(shell: Shell, run: str) -> None:
    end(shell, run, GOOD)
    document = shell.type("show", run, "--json").document
    assert document["run"]["id"] == run
    assert document["objects"][0]["drop"]["principal"] == "AWS:ADA"
    assert document["trail"][0]["body"]["type"] == "RunRequested"
    assert document["trail"][-1]["digest"] == shell.world.run(run).trail.digest


def test_show_verifies_the_trail_and_says_so(shell: Shell, run: str) -> None:
    end(shell, run, GOOD)
    entries = len(shell.world.store.trail(run))
    assert (
        shell.type("show", run)
        .out.splitlines()[-1]
        .endswith(f"verified: {entries} entries, each bound to the one before")
    )
    assert shell.type("show", run, "--json").document["trail_verified"] is True


def test_show_refuses_a_trail_of_which_an_entry_was_changed_and_says_which(shell: Shell, run: str) -> None:
    end(shell, run, GOOD)
    trails = shell.world.store.trails
    trails[run, 2] = replace(trails[run, 2], body=trails[run, 2].body.replace("dropforge-test", "dropforge-prod"))
    answer = shell.type("show", run)
    assert answer.code == 1
    assert answer.out.splitlines()[-1].endswith("NOT VERIFIED")
    assert f"entry 3 of run {run} does not follow entry 2" in answer.said
    refused = shell.type("show", run, "--json")
    assert (refused.code, refused.document["trail_verified"]) == (1, False)


@pytest.mark.parametrize(("typed", "said"), [("abc", "names no run"), ("ffffffff", "there is no run ffffffff")])
def test_a_run_that_is_not_there_ends_with_3(shell: Shell, run: str, typed: str, said: str) -> None:
    del run
    answer = shell.type("show", typed)
    assert (answer.code, answer.out) == (3, "")
    assert said in answer.said


def test_watch_follows_a_run_to_its_end_and_tells_each_thing_once(shell: Shell, run: str) -> None:
    steps: Iterator[Callable[[], object]] = iter(
        [shell.world.dispatch, lambda: shell.world.finish(shell.world.run(run), GOOD)]
    )

    def step() -> None:
        next(steps)()

    shell.while_waiting = step
    answer = shell.type("watch", run[:8])
    assert answer.code == 0
    told = [line.partition("  ")[2] for line in answer.out.splitlines()]
    assert told[0] == "asked for by data dropped by AWS:ADA from 192.0.2.7"
    assert told[-1] == "completed: accuracy 0.9774"
    assert len(told) == len(set(told))


def test_watch_ends_with_1_when_the_run_failed(shell: Shell, run: str) -> None:
    end(shell, run, CRASHED)
    answer = shell.type("watch", run)
    assert answer.code == 1
    assert "failed: AlgorithmError: no label" in answer.out.splitlines()[-1]


def test_watch_ends_with_1_and_the_remedy_when_a_guard_rail_holds_the_run() -> None:
    project = replace(DIGITS, guard_rails=GuardRails(instance_types=("ml.c5.large",)))
    shell = Shell(World(stage_of(project)))
    run = trained(shell)
    shell.while_waiting = shell.world.dispatch
    answer = shell.type("watch", run)
    assert answer.code == 1
    assert "Change compute.instance_type in dropforge.yaml" in answer.out


def test_watch_as_json_keeps_stdout_for_the_final_record(shell: Shell, run: str) -> None:
    end(shell, run, GOOD)
    answer = shell.type("watch", run, "--json")
    assert answer.document["status"] == "COMPLETED"
    assert "completed: accuracy 0.9774" in answer.said


def test_logs_prints_what_the_program_wrote_and_nothing_else(shell: Shell, run: str) -> None:
    end(shell, run, CRASHED)
    assert shell.type("logs", run).out == "Traceback\nboom\n"
    assert shell.type("logs", run, "--lines", "1").out == "boom\n"
    assert shell.type("logs", run, "--json").document["lines"] == ["Traceback", "boom"]


def test_logs_falls_back_on_the_end_that_the_record_keeps(shell: Shell, run: str) -> None:
    end(shell, run, CRASHED)
    shell.world.jobs.logs.clear()
    assert shell.type("logs", run).out == "Traceback\nboom\n"


def test_logs_of_a_run_that_waits_says_why_there_are_none(shell: Shell, run: str) -> None:
    answer = shell.type("logs", run)
    assert answer.code == 3
    assert "has not started (waits for its turn)" in answer.said


def test_logs_of_an_attempt_that_never_was_ends_with_3(shell: Shell, run: str) -> None:
    end(shell, run, CRASHED)
    answer = shell.type("logs", run, "--attempt", "7")
    assert answer.code == 3
    assert "none numbered 7" in answer.said
