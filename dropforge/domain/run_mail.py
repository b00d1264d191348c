"""The mail that tells of a run: how it ended, or why it does not start."""

from __future__ import annotations

from collections.abc import Iterator

from dropforge.domain.announcement import Outcome
from dropforge.domain.counting import several, span
from dropforge.domain.mail import Mail, printable, quoted
from dropforge.domain.run import Run, RunResult
from dropforge.domain.run_events import (
    RunDelayed,
    RunEvent,
    RunFinished,
    RunHeld,
    RunOverdue,
    RunSuperseded,
    RunWithdrawn,
)

NETWORK_SIGNS = (
    "connection refused",
    "network is unreachable",
    "name or service not known",
    "temporary failure in name resolution",
    "could not resolve host",
    "failed to establish a new connection",
    "could not connect to the endpoint",
)
ISOLATION = (
    "The program tried to reach a network, and this run had none: network isolation is on unless dropforge.yaml says "
    "otherwise. Put what it needs into the image or the data, or write `network_isolation: false` and push."
)
FOUND = "AWS's own event of this end did not arrive; the sweep, which asks after every open run, found it."
AFRESH = "A fresh run follows once the data is sealed again."
MEGABYTE = 10**6


def run_mail(run: Run, event: RunEvent, previous: Run | None) -> Mail:
    """Of an event of the run that is announced; `previous` is the completed run to compare its metrics with."""
    match event:
        case RunHeld():
            return _held(run, event)
        case RunDelayed():  # announced by earlier versions alone, and perhaps pending still
            return _delayed(run, event)
        case RunFinished():
            return _finished(run, event, previous)
        case RunWithdrawn():
            return _withdrawn(run, event)
        case RunSuperseded():
            return _superseded(run, event)
        case RunOverdue():
            return _overdue(run, event)
        case _:
            raise ValueError(f"{type(event).__name__} is not announced")


def _held(run: Run, event: RunHeld) -> Mail:
    because = f"a run was not started, since {printable(event.reason)}"
    return _short(run, f"{event.outcome.value}: {event.reason}", because, event.remedy)


def _delayed(run: Run, event: RunDelayed) -> Mail:
    return _short(run, f"waiting: {event.reason}", f"a run waits, since {printable(event.reason)}", event.remedy)


def _withdrawn(run: Run, event: RunWithdrawn) -> Mail:
    ended = "was stopped before it started" if event.outcome is Outcome.STOPPED else "was given up before it started"
    return _short(
        run,
        f"{event.outcome.value}: {event.reason}",
        f"a run {ended}: {printable(event.reason)}",
        f"`dropforge retry {run.id}` puts it in line again.",
    )


def _superseded(run: Run, event: RunSuperseded) -> Mail:
    return _short(
        run,
        f"superseded: run {event.by_run[:12]} took its place",
        f"a run was not started, since a newer one took its place ({event.because})",
        f"nothing; `dropforge show {event.by_run}` shows the newer one.",
    )


def _overdue(run: Run, event: RunOverdue) -> Mail:
    return _short(run, f"{event.outcome.value}: {event.reason}", printable(event.reason), event.remedy)


def _short(run: Run, heading: str, happened: str, remedy: str) -> Mail:
    """Of a run that did not go as asked: what happened, what to do, and what it was to run."""
    said = [f"{run.project}: {happened}.", f"What to do: {remedy}"]
    return Mail.of(f"[dropforge] {run.project} {heading}", [*said, "\n".join(_what_ran(run)), _look_further(run)])


def _finished(run: Run, event: RunFinished, previous: Run | None) -> Mail:
    result, outcome = event.result, event.outcome
    reason_lines = (result.reason or "").splitlines()
    before = previous.result if previous is not None else None
    metrics = list(_metrics(result, before))
    gist = metrics[0] if outcome is Outcome.COMPLETED and metrics else next(iter(reason_lines), "")
    return Mail.of(
        f"[dropforge] {run.project} {outcome.value}" + (f": {gist}" if gist else ""),
        [
            f"{run.project}: training {'was stopped' if outcome is Outcome.STOPPED else outcome.value}.",
            quoted("Reason:", reason_lines),
            FOUND if event.found_by is not None else "",
            f"Mind: {printable(result.moved.sentence)}. {AFRESH}" if result.moved is not None else "",
            _advice(run, event),
            "\n".join([*(f"Metric      {each}" for each in metrics), *_what_ran(run), *_how_it_ran(run, result)]),
            quoted("The last lines of its log:", result.log_tail if outcome is not Outcome.COMPLETED else ()),
            _look_further(run),
        ],
    )


def _metrics(result: RunResult, before: RunResult | None) -> Iterator[str]:
    for name, value in result.metrics.items():
        earlier = before.metrics.get(name) if before is not None else None
        comparison = f" ({value - earlier:+.4g}, before: {earlier:.6g})" if earlier is not None else ""
        yield f"{printable(name)} {value:.6g}{comparison}"


def _what_ran(run: Run) -> Iterator[str]:
    image, dataset = run.image, run.dataset
    message = printable(image.message.splitlines()[0]) if image.message else "no message"
    yield f"Commit      {image.commit[:12]} on {image.branch}: {message}"
    yield f"Author      {printable(image.claimed_author)} (as the commit claims)"
    yield f"Image       {image.digest}"
    channels = ", ".join(sorted(dataset.channels))
    size = f"{several(dataset.objects, 'object')}, {dataset.bytes / MEGABYTE:.1f} MB"
    yield f"Data        {dataset.version}: {size} in {channels}"
    yield f"Asked by    {run.requester.kind.value} {printable(run.requester.name)}"
    compute = run.spec.compute
    yield f"Instances   {compute.instance_count} x {compute.instance_type}"


def _how_it_ran(run: Run, result: RunResult) -> Iterator[str]:
    if result.started_at is not None and result.ended_at is not None:
        yield f"Duration    {span(result.ended_at - result.started_at)}"
    if result.cost_usd is not None:
        yield f"Cost        {result.cost_usd} USD for {several(result.billable_seconds or 0, 'billable second')}"
    if result.model is not None:
        yield f"Model       {result.model.uri}"
        if result.model.sha256 is None:
            yield f"            {result.model.hash_sentence}"
    if result.where is not None:
        yield f"Ran on      {result.where}"
    if run.attempt is not None:
        yield f"Job         {run.attempt.job_name}"
    for earlier in run.attempts[:-1]:
        yield f"Before      {earlier.job_name}: {printable(earlier.failure or 'ended, and was tried again')}"


def _advice(run: Run, event: RunFinished) -> str:
    if event.outcome is Outcome.FAILED and run.spec.network_isolation and _sought_network(event.result):
        return ISOLATION
    if event.outcome is Outcome.FAILED:
        return "What to do: mend the program or the data, then push or drop it again; each is a run of its own."
    return ""


def _sought_network(result: RunResult) -> bool:
    told = "\n".join([result.reason or "", *result.log_tail]).lower()
    return any(sign in told for sign in NETWORK_SIGNS)


def _look_further(run: Run) -> str:
    return f"Look further: dropforge show {run.id}"
