"""When a run takes too long: to start, or to end."""

from __future__ import annotations

from datetime import datetime, timedelta

from dropforge.domain.announcement import Outcome
from dropforge.domain.counting import several
from dropforge.domain.project import Patience
from dropforge.domain.run import Requester, RequesterKind, Run, RunStatus
from dropforge.domain.run_events import RunOverdue, RunWithdrawn

SWEEP = Requester(RequesterKind.RULE, "sweep")
UNCONFIRMED = timedelta(minutes=30)
"""How long a job may be intended and not confirmed: the dispatcher looks again every minute."""
AROUND_TRAINING = timedelta(hours=2)
"""Before and after a job's own limit SageMaker prepares instances, loads data and image, and saves the model."""


def stuck(run: Run, now: datetime) -> RunOverdue | None:
    """What to tell of an open run that should have ended by itself; None while it is within its limits."""
    attempt = run.attempt
    if attempt is None or not run.status.is_open:
        return None
    since, name = attempt.intended_at, attempt.job_name
    if run.status is RunStatus.STARTING:
        if now - since <= UNCONFIRMED:
            return None
        reason = f"the job {name} was to be created {_span(now - since)} ago and is not confirmed"
        remedy = "Look into the log of the function dispatch-runs, and among its dead letters."
        return RunOverdue(now, Outcome.STUCK, reason, remedy)
    stopping = run.spec.stopping
    limit = max(stopping.max_runtime_minutes, stopping.max_wait_minutes or 0)
    if now - since <= timedelta(minutes=limit) + AROUND_TRAINING:
        return None
    reason = f"the job {name} has been open for {_span(now - since)}, and its limit is {limit} min"
    remedy = f"Look at the job in the SageMaker console; `dropforge stop {run.id}` ends it."
    return RunOverdue(now, Outcome.STUCK, reason, remedy)


def waits_too_long(run: Run, patience: Patience, behind: int, now: datetime) -> RunOverdue | None:
    """What to tell of the run that waits first in its project, and of how many `behind` it; None while it is early."""
    waited = now - run.waits_since
    if run.waiting is None or waited <= timedelta(minutes=patience.tell_after_minutes):
        return None
    others = f", and {behind} more of {run.project} behind it" if behind else ""
    reason = f"a run has waited for {_span(waited)}{others}: {run.waiting.reason}"
    remedy = f"Nothing is lost, it starts when it can. `dropforge stop {run.id}` ends the wait."
    return RunOverdue(now, Outcome.WAITING, reason, remedy)


def given_up(run: Run, patience: Patience, now: datetime) -> RunWithdrawn | None:
    """The end of a run that waited for longer than its project says; None where it waits on."""
    limit = patience.give_up_after_minutes
    if limit is None or run.waiting is None or now - run.waits_since <= timedelta(minutes=limit):
        return None
    reason = f"it waited for more than {several(limit, 'minute')} (waiting.give_up_after_minutes): {run.waiting.reason}"
    return RunWithdrawn(now, Outcome.FAILED, reason, SWEEP)


def _span(length: timedelta) -> str:
    minutes = round(length.total_seconds() / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"
