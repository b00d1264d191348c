"""One whole run record, as a person would read it: headings on the left, facts on the right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dropforge.cli import wording
from dropforge.cli.story import asked_by, sentence
from dropforge.domain.counting import several
from dropforge.domain.dataset import ObjectVersion
from dropforge.domain.drop import ObjectDropped
from dropforge.domain.run import Run, RunResult
from dropforge.domain.run_events import RunEvent

OBJECTS_SHOWN = 20

Section = tuple[str, list[str]]
"""A heading and the lines under it."""


@dataclass(frozen=True)
class UsedObject:
    """An object version that a run trained on, and the drop that it came from where that is known."""

    version: ObjectVersion
    drop: ObjectDropped | None


@dataclass(frozen=True)
class RunRecord:
    """All that is on record of one run; without events where its trail is not to be relied on."""

    run: Run
    objects: Sequence[UsedObject]
    events: Sequence[RunEvent]

    def sections(self) -> Iterator[Section]:
        run, image = self.run, self.run.image
        yield "Run", [f"{run.id}  {run.project}  {run.status.value}", *_now(run)]
        yield "Asked for", [f"{wording.moment(run.requested_at)} by {asked_by(run.requester)}"]
        if run.reproduces is not None:
            yield "Reproduces", [f"run {run.reproduces.of}, for the {wording.ordinal(run.reproduces.number)} time"]
        yield (
            "Code",
            [
                f"commit {image.commit} on {image.branch}",
                f"“{wording.first_line(image.message)}” by {image.claimed_author} (as git claims)",
            ],
        )
        yield "Image", [image.uri, f"tag {image.tag}, pushed {wording.moment(image.pushed_at)}"]
        yield "Build", [f"pipeline execution {image.execution_id}"]
        if run.also_built:
            yield (
                "Same image",
                [f"commit {each.commit}, pipeline execution {each.execution_id}" for each in run.also_built],
            )
        yield "Data", list(self._data())
        yield "Parameters", [f"{name} = {value}" for name, value in run.spec.hyperparameters.items()]
        yield "Trains on", [_compute(run)]
        for attempt in run.attempts:
            yield f"Attempt {attempt.number}", [*filter(None, [attempt.job_name, attempt.job_arn, attempt.failure])]
        if run.result is not None:
            yield from _ended(run.result)
        told = [f"{wording.clock(event.at)}  {sentence(event)}" for event in self.events]
        count = several(len(told), "entry", "entries")
        yield "Trail", [*told, f"verified: {count}, each bound to the one before" if told else "NOT VERIFIED"]

    def _data(self) -> Iterator[str]:
        data = self.run.dataset
        yield f"{data.version}, sealed {wording.moment(data.sealed_at)}"
        yield f"{several(data.objects, 'object')}, {wording.size(data.bytes)}, in s3://{data.bucket}"
        for used in self.objects[:OBJECTS_SHOWN]:
            version = used.version
            yield f"{version.channel}: {version.key}, {wording.size(version.size)}, version {version.version_id}"
            yield f"  SHA-256 {version.sha256 or 'unknown: the version id alone names it'}"
            if used.drop is not None:
                by = " from ".join(filter(None, [used.drop.principal, used.drop.address]))
                yield f"  put {wording.moment(used.drop.at)}" + (f" by {by}" if by else "")
        if len(self.objects) > OBJECTS_SHOWN:
            yield f"and {len(self.objects) - OBJECTS_SHOWN:,} more (all of them with --json)"


def _now(run: Run) -> Iterator[str]:
    """What a reader wants to know first: how it ended, or why it has not."""
    if run.waiting is not None:
        yield f"waits: {run.waiting.reason}"
    if run.held is not None:
        yield f"{run.held.reason}. {run.held.remedy}"
    if run.result is not None and run.result.reason:
        yield from run.result.reason.splitlines()


def _compute(run: Run) -> str:
    spec = run.spec
    network = "no network" if spec.network_isolation else "with network"
    spot = ", spot" if spec.use_spot else ""
    minutes = spec.stopping.max_runtime_minutes
    return f"{spec.compute.instance_count} × {spec.compute.instance_type}{spot}, {network}, at most {minutes} min"  # noqa: RUF001


def _ended(result: RunResult) -> Iterator[Section]:
    if result.transitions:
        yield (
            "Job",
            [
                f"{wording.clock(step.started_at)}  {step.status}  {step.message}".rstrip()
                for step in result.transitions
            ],
        )
    if result.metrics:
        yield "Metrics", [f"{name} = {wording.number(value)}" for name, value in result.metrics.items()]
    if result.model is not None:
        model = result.model
        yield (
            "Model",
            [f"{model.uri}, {wording.size(model.size)}", f"version {model.version_id}", model.hash_sentence],
        )
    if result.moved is not None:
        yield "Moved", [result.moved.sentence]
    yield "Took", [_effort(result)]
    if result.where:
        yield "Ran on", [result.where]
    if result.log_tail:
        yield "Log ends", list(result.log_tail)


def _effort(result: RunResult) -> str:
    parts = []
    if result.started_at is not None and result.ended_at is not None:
        parts.append(wording.span(result.ended_at - result.started_at))
    if result.billable_seconds is not None:
        parts.append(f"{wording.span(result.billable_seconds)} billable")
    parts.append(
        wording.money(result.cost_usd) if result.cost_usd is not None else "cost unknown (no price in the config)"
    )
    return ", ".join(parts)
