from __future__ import annotations

from dataclasses import replace

import pytest

from dropforge.domain.admission import Circumstances, Delay, ProjectLoad, decide
from dropforge.domain.announcement import Outcome
from dropforge.domain.counting import several
from dropforge.domain.dataset import ChannelSize
from dropforge.domain.project import GuardRails
from dropforge.domain.run_events import RunHeld
from dropforge.domain.run_mail import run_mail
from tests.fakes.specimens import after
from tests.fakes.world import DIGITS, START


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 objects"), (1, "1 object"), (2, "2 objects"), (10_000, "10,000 objects")]
)
def test_one_thing_is_one_and_all_other_numbers_of_it_are_several(count: int, text: str) -> None:
    assert several(count, "object") == text


def test_a_plural_of_its_own_is_taken_as_given() -> None:
    assert [several(count, "entry", "entries") for count in (1, 2)] == ["1 entry", "2 entries"]


def test_a_mail_about_one_object_speaks_of_one() -> None:
    run = after()
    run = replace(run, dataset=replace(run.dataset, channels={"training": ChannelSize(1, 10)}))
    mail = run_mail(run, RunHeld(START, Outcome.HELD, "it is held", "Do so."), None)
    assert ": 1 object, 0.0 MB in training" in mail.body


def test_a_limit_of_one_run_speaks_of_one() -> None:
    project = replace(DIGITS, guard_rails=GuardRails(concurrent_runs=1))
    decision = decide(after(), project, Circumstances(START, None, ProjectLoad(1, 1), 1, 8))
    assert isinstance(decision, Delay)
    assert decision.reason == "digits has 1 run open, as many as it may"
