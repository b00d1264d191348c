"""Whose fault a job's end was: only the infrastructure's is worth another attempt."""

from __future__ import annotations

import pytest

from dropforge.domain.failure import infrastructure_failure
from dropforge.domain.training_job import JobDescription, JobState, JobStatus
from tests.fakes.world import START


def ended(status: JobStatus, secondary: str, reason: str | None = None) -> JobDescription:
    return JobDescription("job", "arn", JobState(status, secondary, START), failure_reason=reason)


@pytest.mark.parametrize(
    "reason",
    [
        "InternalServerError: We encountered an internal error. Please try again.",
        "CapacityError: Unable to provision requested ML compute capacity.\nPlease retry using a different type.",
        "InsufficientCapacityError: no capacity",
    ],
)
def test_an_error_of_the_infrastructure_is_told_on_one_line(reason: str) -> None:
    told = infrastructure_failure(ended(JobStatus.FAILED, "Failed", reason))
    assert told == " ".join(reason.split())


@pytest.mark.parametrize(
    ("status", "secondary"),
    [
        (JobStatus.STOPPED, "Interrupted"),
        (JobStatus.FAILED, "Interrupted"),
        (JobStatus.STOPPED, "MaxWaitTimeExceeded"),
    ],
)
def test_a_job_whose_spot_instances_were_taken_away_failed_by_the_infrastructure(
    status: JobStatus, secondary: str
) -> None:
    assert "spot instances" in (infrastructure_failure(ended(status, secondary)) or "")


@pytest.mark.parametrize(
    ("status", "secondary", "reason"),
    [
        (JobStatus.FAILED, "Failed", "AlgorithmError: InternalServerError: printed by the program, exit code 1"),
        (JobStatus.FAILED, "Failed", "ClientError: Data download failed: NoSuchKey"),
        (JobStatus.FAILED, "Failed", "InternalServerErrorish"),
        (JobStatus.FAILED, "Failed", None),
        (JobStatus.STOPPED, "MaxRuntimeExceeded", None),
        (JobStatus.STOPPED, "Stopped", None),
        (JobStatus.COMPLETED, "Completed", "CapacityError: said of another"),
        (JobStatus.IN_PROGRESS, "Interrupted", None),
    ],
)
def test_every_other_end_is_not_the_infrastructure_s_fault(
    status: JobStatus, secondary: str, reason: str | None
) -> None:
    assert infrastructure_failure(ended(status, secondary, reason)) is None
