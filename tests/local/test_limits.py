"""What holds runs back: guard rails, quotas, pauses. Nothing is lost, and the record says what to do."""

from __future__ import annotations

import json

import pytest

from dropforge.domain.announcement import Outcome
from dropforge.domain.run import DelayCause, Run, RunStatus
from dropforge.domain.run_events import RunDelayed, event_from_document
from tests.local.trial import OPS, Trial

pytestmark = pytest.mark.local


def held(run: Run) -> tuple[Outcome, str]:
    assert run.status is RunStatus.HELD
    assert run.held is not None
    return run.held.outcome, run.held.reason


def test_an_instance_type_beyond_the_guard_rails_is_held_and_mailed_with_the_remedy(trial: Trial) -> None:
    trial.drop("guarded")
    copy = trial.clone("guarded")
    copy.change("dropforge.yaml", "ml.m5.large", "ml.c5.9xlarge")
    copy.push("Think big")
    run = trial.settled(trial.new_run("guarded", seconds=trial.patience.build).id)

    assert held(run) == (Outcome.HELD, "ml.c5.9xlarge is not among the instance types of guarded (ml.m5.large)")
    mail = trial.mail(OPS, run.id)
    assert mail.startswith("[dropforge] guarded held: ")
    assert "have ops raise guard_rails of guarded" in mail
    assert "dropforge resume guarded" in mail


def test_runs_beyond_those_allowed_at_once_or_a_day_wait_and_say_why(trial: Trial) -> None:
    trial.trained("limited")
    assert trial.dropforge("pause", "limited").code == 0  # so that all three are in line at the same moment
    first, second, third = (
        trial.dropforge("run", "limited", "--param", parameter, "--json").document["id"]
        for parameter in ("rest_seconds=1", "epochs=20", "epochs=30")
    )
    assert trial.dropforge("resume", "limited").code == 0
    trial.completed(first)
    trial.completed(second)

    def waits() -> Run | None:
        run = trial.run(third)
        return run if run.waiting is not None and "today" in run.waiting.reason else None

    waiting = trial.eventually(waits, "the third run waiting for tomorrow", trial.patience.run)
    [delayed] = [each for each in events(trial, second) if isinstance(each, RunDelayed)]
    assert delayed.cause is DelayCause.LIMIT
    assert delayed.reason == "limited has 1 run open, as many as it may"
    assert waiting.status is RunStatus.WAITING
    assert waiting.waiting is not None
    assert waiting.waiting.reason == "limited has started its 3 runs of today"
    assert (waiting.waiting.due.hour, waiting.waiting.due.minute) == (0, 0)
    for limit in ("limited has 1 run open", "limited has started its 3 runs of today"):
        notice = trial.notice(lambda each, said=limit: said in each.sentence, limit)  # type: ignore[misc]
        assert (notice.kind, notice.project) == (Outcome.WAITING, "limited")
        assert "have ops raise guard_rails." in trial.mail(OPS, limit)


def events(trial: Trial, run_id: str) -> list[object]:
    return [event_from_document(entry.document()) for entry in trial.ports.store.trail(run_id)]


def test_a_quota_of_zero_blocks_and_names_the_quota_to_ask_for_and_a_resume_goes_on_once_it_is_granted(
    trial: Trial,
) -> None:
    trial.drop("accelerated")
    copy = trial.clone("accelerated")
    copy.change("dropforge.yaml", "ml.m5.large", "ml.p3.2xlarge")
    copy.push("Faster")
    run = trial.settled(trial.new_run("accelerated", seconds=trial.patience.build).id)

    outcome, reason = held(run)
    assert outcome is Outcome.BLOCKED
    assert reason == "this account may run no ml.p3.2xlarge for training at all: its quota is 0"
    mail = trial.mail(OPS, run.id)
    assert mail.startswith("[dropforge] accelerated blocked: ")
    assert 'for a higher "ml.p3.2xlarge for training job usage"' in mail

    (trial.home.config / "sagemaker-quotas.json").write_text(json.dumps({"ml.p3.2xlarge": 1}))
    assert trial.dropforge("resume", "accelerated").code == 0
    trial.eventually(
        lambda: trial.run(run.id).status is RunStatus.COMPLETED or None, "the run's completion", trial.patience.run
    )


def test_a_paused_project_keeps_what_comes_and_starts_it_when_resumed(trial: Trial) -> None:
    assert trial.dropforge("pause", "paused").code == 0
    trial.pushed("paused")
    trial.drop("paused")
    run = trial.new_run("paused")

    def paused() -> Run | None:
        found = trial.run(run.id)
        return found if found.waiting is not None and found.waiting.cause is DelayCause.PAUSED else None

    assert trial.eventually(paused, "the run saying that it is paused", trial.patience.run).attempts == ()

    assert trial.dropforge("resume", "paused").code == 0
    assert trial.completed(run.id).id == run.id
