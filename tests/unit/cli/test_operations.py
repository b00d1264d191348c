from __future__ import annotations

import pytest

from dropforge.domain.dead_letter import DeadLetter
from dropforge.domain.run import RunStatus
from dropforge.domain.training_job import JobStatus
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.world import START
from tests.unit.cli.shell import ADA, Shell, trained


@pytest.fixture
def shell() -> Shell:
    shell = Shell()
    trained(shell)
    return shell


LETTER = DeadLetter(
    "job-state-dead-letters",
    "m-1",
    START,
    6,
    "record-job-state failed each time, at last with KeyError: 'x'",
    '{"a":1}',
)


def test_a_waiting_run_is_stopped_and_the_record_says_by_whom(shell: Shell) -> None:
    run = shell.world.only_run()
    answer = shell.type("stop", run.id[:8])
    assert answer.code == 0
    assert answer.out == f"{run.id[:12]} is STOPPED: nothing of it runs.\n"
    result = shell.world.only_run().result
    assert result is not None
    assert result.reason == f"{ADA} asked for it"


def test_a_running_run_is_being_stopped(shell: Shell) -> None:
    shell.world.dispatch()
    run = shell.world.only_run()
    answer = shell.type("stop", run.id)
    assert "SageMaker was asked to end its job" in answer.out
    assert shell.world.jobs.descriptions[run.attempts[0].job_name].state.status is JobStatus.STOPPING


def test_a_failed_run_is_tried_again(shell: Shell) -> None:
    shell.world.dispatch()
    end = JobEnd(JobStatus.FAILED, "Failed", model=None, failure_reason="AlgorithmError: exit code 1")
    run = shell.world.finish(shell.world.only_run(), end)
    answer = shell.type("retry", run.id)
    assert answer.out.startswith(f"{run.id[:12]} is in line again, for attempt 2.")
    assert shell.world.only_run().status is RunStatus.WAITING


def test_what_cannot_be_retried_is_a_sentence_and_exit_code_1(shell: Shell) -> None:
    answer = shell.type("retry", shell.world.only_run().id)
    assert (answer.code, answer.out) == (1, "")
    assert "is WAITING and cannot be retried; it has not ended yet" in answer.said


def test_dead_letters_are_shown_with_their_reason_and_stay(shell: Shell) -> None:
    shell.world.dead_letters.lying.append(LETTER)
    answer = shell.type("dead-letters")
    assert "job-state-dead-letters  2026-01-31 12:00:00 UTC  received 6 times" in answer.out
    assert "at last with KeyError: 'x'" in answer.out
    assert shell.type("dead-letters", "--json").document[0]["message_id"] == "m-1"
    assert shell.world.dead_letters.lying == [LETTER]


def test_dead_letters_are_sent_back_from_the_queue_that_was_named(shell: Shell) -> None:
    shell.world.dead_letters.lying.append(LETTER)
    assert shell.type("dead-letters", "sweep-dead-letters", "--redrive").said == "No dead letters.\n"
    answer = shell.type("dead-letters", "job-state-dead-letters", "--redrive")
    assert answer.out == "job-state-dead-letters: 1 message sent back\n"
    assert shell.world.dead_letters.sent_back == [LETTER]
