"""The training job that a run's attempt asks for, and how a job is known as ours."""

from __future__ import annotations

from collections.abc import Mapping

from dropforge.domain.artifact_layout import (
    attempt_prefix,
    channel_files_key,
    checkpoint_prefix,
    reproduction_files_key,
)
from dropforge.domain.encoding import time_text
from dropforge.domain.run import Attempt, Run
from dropforge.domain.training_job import JobRequest
from dropforge.domain.training_spec import InputMode

TAG_DEPLOYMENT = "dropforge:deployment"
TAG_PROJECT = "dropforge:project"
TAG_RUN = "dropforge:run"
TAG_REQUESTED_AT = "dropforge:requested-at"
TAG_COMMIT = "dropforge:commit"
TAG_DATASET = "dropforge:dataset"


def job_request(deployment: str, run: Run, attempt: Attempt) -> JobRequest:
    """Every channel of the data is handed to the job, in the mode that the spec says, else as files."""
    channels = {
        channel: (
            _files_key(run, channel),
            run.spec.channels.get(channel, InputMode.FILE),
        )
        for channel in sorted(run.dataset.channels)
    }
    return JobRequest(
        name=attempt.job_name,
        image_uri=run.image.uri,
        spec=run.spec,
        channels=channels,
        output_prefix=attempt_prefix(run.id, attempt.number),
        checkpoint_prefix=checkpoint_prefix(run.id) if run.spec.checkpoints else None,
        tags={
            TAG_DEPLOYMENT: deployment,
            TAG_PROJECT: run.project,
            TAG_RUN: run.id,
            TAG_REQUESTED_AT: time_text(run.requested_at),
            TAG_COMMIT: run.image.commit,
            TAG_DATASET: run.dataset.version,
        },
    )


def _files_key(run: Run, channel: str) -> str:
    if run.reproduces is not None:
        return reproduction_files_key(run.project, run.id, channel)
    return channel_files_key(run.project, run.dataset.version, channel)


def is_same_job(request: JobRequest, tags: Mapping[str, str]) -> bool:
    """Whether a job that bears the request's name was created by it, this time or before.

    The time tells a stage from one of the same name that was removed: its jobs stay in the account for ever.
    """
    ours = (TAG_DEPLOYMENT, TAG_RUN, TAG_REQUESTED_AT)
    return all(tags.get(name) == request.tags[name] for name in ours)
