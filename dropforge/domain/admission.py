"""May a waiting run start now? Guard rails first, then pauses, then places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TypeAlias

from dropforge.domain.counting import several
from dropforge.domain.dataset import Dataset
from dropforge.domain.head import Pause
from dropforge.domain.project import GuardRails, Project
from dropforge.domain.run import DelayCause, Limit, Run
from dropforge.domain.training_spec import TrainingSpec

_AFRESH = "What then comes makes a fresh run by itself; `dropforge resume {0}` puts that in this one's place."


@dataclass(frozen=True)
class ProjectLoad:
    """What a project has taken of its limits; days are UTC."""

    open_runs: int
    started_today: int


@dataclass(frozen=True)
class Circumstances:
    now: datetime
    pause: Pause | None
    load: ProjectLoad
    open_in_stage: int
    stage_limit: int


@dataclass(frozen=True)
class Admit:
    pass


@dataclass(frozen=True)
class Delay:
    """For a reason that holds for the whole project, and passes by itself.

    `until` is None where the dispatcher is woken when it passes: the run then keeps its place in the line.
    """

    until: datetime | None
    cause: DelayCause
    reason: str
    limit: Limit | None = None
    remedy: str = ""


@dataclass(frozen=True)
class Hold:
    reason: str
    remedy: str


Decision: TypeAlias = Admit | Delay | Hold


def decide(run: Run, project: Project, circumstances: Circumstances) -> Decision:
    """What is wrong with the run itself is said at once, even while the project is paused or full."""
    return unfit(run, project) or _delay(run, project, circumstances) or Admit()


def unfit(run: Run, project: Project) -> Hold | None:
    """What is wrong with the run itself, whatever the circumstances; None when it may start some time."""
    return next(misfits(run.spec, run.dataset, project), None)


def misfits(spec: TrainingSpec, dataset: Dataset | None, project: Project) -> Iterator[Hold]:
    """Why no run of the spec on the data (None: on any) can start in the project, until somebody changes something."""
    rails, compute = project.guard_rails, spec.compute
    if not rails.allows_instance_type(compute.instance_type):
        allowed = ", ".join(rails.instance_types)
        reason = f"{compute.instance_type} is not among the instance types of {project.name} ({allowed})"
        yield Hold(reason, _remedy(project, "compute.instance_type"))
    for asked, most, words, field in _amounts(spec, rails):
        if asked > most:
            yield Hold(f"{words.format(asked)} more than {project.name} may use ({most})", _remedy(project, field))
    if dataset is not None and (misfit := data_misfit(spec, dataset, project)):
        yield misfit


def _amounts(spec: TrainingSpec, rails: GuardRails) -> Iterator[tuple[int, int, str, str]]:
    """What is asked for, how much there may be, how to say it, and where the spec says it."""
    compute, stopping = spec.compute, spec.stopping
    yield compute.instance_count, rails.max_instances, "{} instances are", "compute.instance_count"
    yield (
        stopping.max_runtime_minutes,
        rails.max_runtime_minutes,
        "a runtime of {} minutes is",
        "stopping.max_runtime_minutes",
    )
    yield (
        stopping.max_wait_minutes or 0,
        rails.max_wait_minutes,
        "{} minutes, the wait for spot instances included, are",
        "stopping.max_wait_minutes",
    )
    yield compute.volume_gb, rails.max_volume_gb, "{} GB of disk for each instance are", "compute.volume_gb"
    yield (
        spec.keep_alive_seconds,
        rails.max_keep_alive_seconds,
        "keeping instances warm for {} s after the job is",
        "sagemaker.ResourceConfig.KeepAlivePeriodInSeconds",
    )


def data_misfit(spec: TrainingSpec, dataset: Dataset, project: Project) -> Hold | None:
    """Why the spec can never train on this dataset version, whose objects are what they are; None when it can.

    Other data makes another version, and that a run of its own.
    """
    there = sorted(dataset.channels)
    if missing := sorted(spec.channels.keys() - dataset.channels.keys()):
        reason = f"the training spec reads channel {missing[0]}, but the data has only {', '.join(there)}"
        remedy = f"Put objects under {project.data_prefix}{missing[0]}/, or mend dropforge.yaml and push."
        return Hold(reason, f"{remedy} {_AFRESH.format(project.name)}")
    return None


def _remedy(project: Project, field: str) -> str:
    return (
        f"Change {field} in dropforge.yaml and push, or have ops raise guard_rails of {project.name} in the stage's "
        f"config, deploy, and run `dropforge resume {project.name}`."
    )


def _delay(run: Run, project: Project, circumstances: Circumstances) -> Delay | None:
    """A run that was tried before counts among the runs of the day already."""
    rails, load = project.guard_rails, circumstances.load
    if circumstances.pause is not None:
        return Delay(None, DelayCause.PAUSED, "paused")
    if load.started_today >= rails.runs_per_day and not run.attempts:
        reason = f"{project.name} has started its {several(rails.runs_per_day, 'run')} of today"
        return _limited(project, Limit.RUNS_PER_DAY, reason, until=_tomorrow(circumstances.now))
    if load.open_runs >= rails.concurrent_runs:
        reason = f"{project.name} has {several(rails.concurrent_runs, 'run')} open, as many as it may"
        return _limited(project, Limit.CONCURRENT_RUNS, reason)
    if circumstances.open_in_stage >= circumstances.stage_limit:
        reason = f"the stage has {several(circumstances.stage_limit, 'run')} open, as many as it may"
        return _limited(project, Limit.CONCURRENT_RUNS_OF_STAGE, reason)
    return None


def _limited(project: Project, limit: Limit, reason: str, until: datetime | None = None) -> Delay:
    when = "when a run ends" if until is None else f"on {until:%Y-%m-%d} at 00:00 UTC"
    of_stage = limit is Limit.CONCURRENT_RUNS_OF_STAGE
    raised = "concurrent_runs of the stage" if of_stage else f"guard_rails.{limit.value} of {project.name}"
    remedy = (
        f"Nothing is lost, it starts by itself {when}. For it to start sooner, have ops raise {raised} in the stage's "
        f"config, deploy, and run `dropforge resume {project.name}`."
    )
    return Delay(until, DelayCause.LIMIT, reason, limit, remedy)


def _tomorrow(now: datetime) -> datetime:
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)
