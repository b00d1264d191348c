"""A thousand objects at once; `python -m tests.faults.burst` plays ten thousand."""

from __future__ import annotations

import pytest

from dropforge.workflow.ports import TrainingJobs
from tests.faults.burst import Burst, Figures

pytestmark = pytest.mark.xdist_group("burst")  # it is played once

OBJECTS = 1_000


@pytest.fixture(scope="module")
def figures() -> Figures:
    return Burst(OBJECTS).play()


def test_none_is_lost_and_none_is_doubled(figures: Figures) -> None:
    assert (figures.runs, figures.completed, figures.jobs) == (OBJECTS, OBJECTS, OBJECTS)
    assert figures.mails >= OBJECTS


def test_jobs_are_asked_for_at_most_half_as_often_again_as_there_are_jobs(figures: Figures) -> None:
    assert figures.throttled > 0.25 * figures.creations
    assert figures.creations <= 1.5 * figures.jobs


def test_places_are_seldom_empty_though_requests_are_throttled(figures: Figures) -> None:
    """The last runs of all wait for up to a quarter of an hour each."""
    assert figures.hours - 0.75 <= 1.15 * figures.least_hours


def test_no_job_is_ever_looked_for_in_a_list(figures: Figures) -> None:
    assert not [method for method in dir(TrainingJobs) if "list" in method]
    assert figures.describes <= 1.2 * figures.jobs
