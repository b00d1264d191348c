from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from dropforge.domain.announcement import Outcome
from dropforge.domain.mail import LONGEST_LINE, Mail, printable, quoted
from dropforge.domain.notice import Notice
from dropforge.domain.notice_mail import notice_mail
from dropforge.domain.run import DelayCause, Limit, Run, RunResult
from dropforge.domain.run_events import AttemptIntended, AttemptStarted, RunDelayed, RunFinished, RunHeld
from dropforge.domain.run_mail import run_mail
from dropforge.domain.training_job import ModelArtifact
from dropforge.domain.training_spec import TrainingSpec
from tests.fakes.specimens import IMAGE, after
from tests.fakes.world import START

MODEL = ModelArtifact("s3://artifacts/runs/r/01/model.tar.gz", "1", 7, "ab" * 32)
RESULT = RunResult(
    metrics={"accuracy": Decimal("0.9722")},
    model=MODEL,
    started_at=START,
    ended_at=START + timedelta(seconds=192),
    billable_seconds=192,
    cost_usd=Decimal("0.0061"),
    where="AWS, us-east-1",
)


def finished(outcome: Outcome, result: RunResult, spec: TrainingSpec = IMAGE.spec) -> tuple[Run, RunFinished]:
    event = RunFinished(START, outcome, result)
    run = after(AttemptIntended(START, 1, "job-01"), AttemptStarted(START, 1, "arn"), event, spec=spec)
    return run, event


@given(st.text(max_size=300))
def test_every_subject_is_one_that_sns_takes(text: str) -> None:
    subject = Mail.of(text, []).subject
    assert 1 <= len(subject) < 100
    assert subject.isascii()
    assert subject.isprintable()
    assert subject.strip() == subject


@given(st.text(max_size=1000))
def test_a_quoted_line_stays_one_line_and_moves_no_cursor(text: str) -> None:
    line = printable(text)
    assert len(line) <= LONGEST_LINE
    assert line.isprintable()


def test_colours_of_a_terminal_are_taken_out_of_a_log() -> None:
    assert printable("\x1b[31mValueError\x1b[0m: no rows") == "ValueError: no rows"


def test_nothing_is_quoted_under_no_title() -> None:
    assert quoted("The last lines:", []) == ""


def test_a_completed_run_is_told_with_its_metrics_against_the_run_before() -> None:
    run, event = finished(Outcome.COMPLETED, RESULT)
    previous, _ = finished(Outcome.COMPLETED, replace(RESULT, metrics={"accuracy": Decimal("0.97")}))
    mail = run_mail(run, event, previous)
    assert mail.subject == "[dropforge] digits completed: accuracy 0.9722 (+0.0022, before: 0.97)"
    assert mail.body == (
        "digits: training completed.\n"
        "\n"
        "Metric      accuracy 0.9722 (+0.0022, before: 0.97)\n"
        "Commit      c1 on main: Train for longer\n"
        "Author      Ada <ada@example.com> (as the commit claims)\n"
        f"Image       sha256:{'1' * 64}\n"
        f"Data        sha256:{'2' * 64}: 3 objects, 1.2 MB in training\n"
        "Asked by    push Ada <ada@example.com>\n"
        "Instances   1 x ml.m5.large\n"
        "Duration    3 min 12 s\n"
        "Cost        0.0061 USD for 192 billable seconds\n"
        "Model       s3://artifacts/runs/r/01/model.tar.gz\n"
        "Ran on      AWS, us-east-1\n"
        "Job         job-01\n"
        "\n"
        f"Look further: dropforge show {run.id}\n"
    )


def test_the_first_run_is_compared_with_nothing() -> None:
    run, event = finished(Outcome.COMPLETED, RESULT)
    assert run_mail(run, event, None).subject == "[dropforge] digits completed: accuracy 0.9722"


def test_a_failed_run_is_told_with_its_reason_and_the_end_of_its_log() -> None:
    result = RunResult(reason="AlgorithmError: no rows\nexit code 1", log_tail=("reading", "ValueError: no rows"))
    mail = run_mail(*finished(Outcome.FAILED, result), None)
    assert mail.subject == "[dropforge] digits failed: AlgorithmError: no rows"
    assert "Reason:\n    AlgorithmError: no rows\n    exit code 1\n" in mail.body
    assert "The last lines of its log:\n    reading\n    ValueError: no rows\n" in mail.body
    assert "What to do: mend the program" in mail.body


def test_a_program_that_sought_a_network_is_told_that_it_had_none() -> None:
    result = RunResult(reason="exit code 1", log_tail=("OSError: [Errno 111] Connection refused",))
    isolated = run_mail(*finished(Outcome.FAILED, result), None)
    assert "network isolation is on" in isolated.body
    assert "`network_isolation: false`" in isolated.body
    open_network = run_mail(*finished(Outcome.FAILED, result, TrainingSpec(network_isolation=False)), None)
    assert "network isolation" not in open_network.body


def test_a_held_run_is_told_with_the_way_out() -> None:
    event = RunHeld(START, Outcome.BLOCKED, "its quota is 0", "Ask for more.")
    mail = run_mail(after(event), event, None)
    assert mail.subject == "[dropforge] digits blocked: its quota is 0"
    assert "a run was not started, since its quota is 0." in mail.body
    assert "What to do: Ask for more." in mail.body


def test_a_message_of_many_lines_cannot_forge_a_line_of_the_mail() -> None:
    forged = replace(IMAGE, claimed_author="Eve\nCost        0 USD", message="Fix\u2028Model s3://evil")
    run, event = finished(Outcome.COMPLETED, RESULT)
    mail = run_mail(replace(run, image=forged), event, None)
    assert "\nCost        0 USD" not in mail.body
    assert "\u2028" not in mail.body


def test_a_notice_is_told_with_its_sentence_and_its_evidence() -> None:
    notice = Notice(
        Outcome.BUILD_FAILED,
        "digits",
        "digits: the build failed",
        "No Dockerfile. Add one.",
        START,
        {"execution": "e1"},
        ("step 1", "error"),
    )
    mail = notice_mail(notice)
    assert mail.subject == "[dropforge] digits: the build failed"
    assert mail.body.startswith("No Dockerfile. Add one.\n")
    assert "    error\n" in mail.body
    assert "    execution: e1\n" in mail.body


def test_the_same_thing_told_twice_is_one_notice() -> None:
    notice = Notice(Outcome.REFUSED, "digits", "refused", "It is empty.", START, {"key": "digits/a"})
    assert notice.id == replace(notice, at=START + timedelta(days=1), sentence="Still empty.").id
    assert notice.id != replace(notice, evidence={"key": "digits/b"}).id


def test_what_an_earlier_version_left_to_be_told_of_a_limit_can_still_be_told() -> None:
    event = RunDelayed(START, START, DelayCause.LIMIT, "digits has 2 runs open", Limit.CONCURRENT_RUNS, "Raise it.")
    mail = run_mail(after(event), event, None)
    assert mail.subject == "[dropforge] digits waiting: digits has 2 runs open"
    assert "What to do: Raise it." in mail.body
