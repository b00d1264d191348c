"""Heal whatever a lost event, a lost wake-up or a crash left undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

from dropforge.domain.errors import DropforgeError
from dropforge.domain.lateness import SWEEP, stuck
from dropforge.domain.run import RunRef
from dropforge.workflow.announce import announce
from dropforge.workflow.failures import Failures
from dropforge.workflow.find_drops import find_drops
from dropforge.workflow.find_images import find_images
from dropforge.workflow.look_at_waiting import Step, look_at_waiting
from dropforge.workflow.ports import Ports
from dropforge.workflow.record_job_state import observe
from dropforge.workflow.recording import record
from dropforge.workflow.seal_dataset import wake_due_seals

BETWEEN_SWEEPS = timedelta(minutes=15)


class SweepIncompleteError(DropforgeError):
    """Some of it could not be healed this time; the next sweep tries again."""


def sweep(ports: Ports, ends: datetime | None = None) -> None:
    """One Describe for each open run, no List of jobs; what fails for one is tried for all others before it is raised.

    Whatever may fail is a step of its own, and whatever it fails with is kept to the end: an AWS that refuses one thing
    must not keep all else from being healed. What takes longest comes last, and none of it is begun once it `ends`.
    """
    failures, is_over = Failures(), lambda: ends is not None and ports.clock.now() >= ends
    for part in (_announcements, _signatures, _wakeups, _open_runs, look_at_waiting, _projects):
        _take(part.__name__.strip("_").replace("_", " "), part(ports), failures, is_over)
    failures.raise_as(SweepIncompleteError, "not everything could be healed, the next sweep tries again")


class OutOfTimeError(DropforgeError):
    """There is more to look at than one sweep can."""


def _take(part: str, steps: Iterator[Step], failures: Failures, is_over: Callable[[], bool]) -> None:
    """Take each step, the looking for the next one included, as long as there is time."""
    while True:
        found: Step | None = None
        with failures.kept(part):
            found = next(steps, None)
        if found is None:
            return
        name, step = found
        if is_over():
            failures.keep(name, OutOfTimeError("there was no time left for it, nor for what follows"))
            return
        with failures.kept(name):
            step()


def _open_runs(ports: Ports) -> Iterator[Step]:
    """Jobs that ended unseen, and runs that are open for longer than they may be."""
    for ref in ports.store.open_runs():
        yield f"run {ref.id}", partial(_observe, ports, ref)


def _projects(ports: Ports) -> Iterator[Step]:
    """Drops and images that no event told of: each time another project first, so that none is always the last."""
    projects = ports.stage.projects
    first = int(ports.clock.now().timestamp() / BETWEEN_SWEEPS.total_seconds()) % max(len(projects), 1)
    for project in (*projects[first:], *projects[:first]):
        yield f"data of {project.name}", partial(find_drops, ports, project)
        yield f"images of {project.name}", partial(find_images, ports, project)


def _announcements(ports: Ports) -> Iterator[Step]:
    """A stream forgets after 24 hours; what is pending still is sent here."""
    for each in ports.store.pending_announcements():
        yield f"announcement of {each.key.subject}", partial(announce, ports, each.key)


def _signatures(ports: Ports) -> Iterator[Step]:
    """The sweep itself may not sign: who may is woken for each run that ended and still awaits its signature."""
    for ref in ports.store.unsigned_runs():
        yield f"signature of run {ref.id}", partial(ports.wakeups.sign, ref.id)


def _wakeups(ports: Ports) -> Iterator[Step]:
    """Seals that are due, and runs that may start: the dispatcher also goes on with intents that have no job.

    Whoever finds more to do below wakes them once more.
    """
    yield "seals", partial(wake_due_seals, ports)
    yield "dispatcher", ports.wakeups.dispatch


def _observe(ports: Ports, ref: RunRef) -> None:
    run = ports.store.run(ref.id)
    if run is None or not run.status.is_open:
        return  # the index was behind
    after = observe(ports, run, found_by=SWEEP)
    overdue = stuck(after, ports.clock.now())
    if overdue is not None:
        record(ports.store, after, overdue)
