"""Whose fault it was that a job ended without a model: the program's, or that of what it ran on.

SageMaker's reason begins with the kind of error. What begins with `InternalServerError` or `CapacityError` (and, of
older accounts' words, `InternalError` or `InsufficientCapacity`) is the infrastructure's and worth another attempt.
`AlgorithmError` is the program's, `ClientError` that of image, data or permissions: the same again would fail again,
and so would whatever is not known here.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeTrainingJob.html (FailureReason, SecondaryStatus)
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import Final

from dropforge.domain.training_job import JobDescription, JobStatus

_INFRASTRUCTURE = re.compile(r"\s*(InternalServerError|InternalError|CapacityError|InsufficientCapacity\w*)\b")
_SPOT: Final = MappingProxyType(
    {
        "Interrupted": "its spot instances were taken away",
        "MaxWaitTimeExceeded": "no spot instances came, or came back, within stopping.max_wait_minutes",
    }
)


def infrastructure_failure(job: JobDescription) -> str | None:
    """Why the infrastructure ended the job, on one line; None when it did not.

    SageMaker itself resumes an interrupted spot job for as long as the job may wait; a job that *ended* as interrupted,
    or because the wait was over, is what counts here.
    """
    status, secondary = job.state.status, job.state.secondary
    if status in {JobStatus.FAILED, JobStatus.STOPPED} and secondary in _SPOT:
        return _SPOT[secondary]
    reason = job.failure_reason or ""
    if status is JobStatus.FAILED and _INFRASTRUCTURE.match(reason):
        return " ".join(reason.split())[:300]
    return None
