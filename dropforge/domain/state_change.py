"""What the world outside is told when a run's state changes: the detail of our own EventBridge event, version 1.

Its JSON schema is `schemas/run-state-change.schema.json`. Members may be added to it; none is ever renamed or removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from dropforge.domain.run import Run, RunStatus
from dropforge.domain.training_job import ModelArtifact

SOURCE = "dropforge"
DETAIL_TYPE = "Dropforge Run State Change"


@dataclass(frozen=True)
class RunStateChanged:
    """A run has come into `status`. `run` and `sequence` name the event: of two with the same, one is a duplicate, and
    of two of one run the higher sequence is the later.

    `attempt` and `job` are the latest training job's; `reason`, `metrics`, `model` and `cost_usd` are there once the
    run has ended and has them.
    """

    version: int
    deployment: str
    project: str
    run: str
    sequence: int
    status: RunStatus
    at: datetime
    commit: str
    branch: str
    image_digest: str
    dataset_version: str
    attempt: int | None = None
    job: str | None = None
    reason: str | None = None
    metrics: Mapping[str, Decimal] = field(default_factory=dict)
    model: ModelArtifact | None = None
    cost_usd: Decimal | None = None


def state_change_of(deployment: str, run: Run) -> RunStateChanged | None:
    """What the run's latest event changed; None when that left its status as it was."""
    if run.trail.sequence != run.status_sequence:
        return None
    result, attempt = run.result, run.attempt
    return RunStateChanged(
        version=1,
        deployment=deployment,
        project=run.project,
        run=run.id,
        sequence=run.status_sequence,
        status=run.status,
        at=run.changed_at,
        commit=run.image.commit,
        branch=run.image.branch,
        image_digest=run.image.digest,
        dataset_version=run.dataset.version,
        attempt=attempt.number if attempt is not None else None,
        job=attempt.job_name if attempt is not None else None,
        reason=_reason(run),
        metrics=result.metrics if result is not None else {},
        model=result.model if result is not None else None,
        cost_usd=result.cost_usd if result is not None else None,
    )


def _reason(run: Run) -> str | None:
    """Why it ended, waits or is held."""
    if run.result is not None:
        return run.result.reason
    explained = run.held or run.waiting
    return explained.reason if explained is not None else None
