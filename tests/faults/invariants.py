"""What holds in every world, between any world and the next, and once everything has come to rest.

The numbers are those of docs/guarantees.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple, TypeVar

from dropforge.domain.announcement import Announcement, AnnouncementKey, AnnouncementState
from dropforge.domain.head import ProjectHead, SealedData
from dropforge.domain.image import Image
from dropforge.domain.run import Attempt, Run
from dropforge.domain.trail import TrailBrokenError, TrailEntry, verify
from dropforge.domain.training_job import parse_job_name
from dropforge.workflow.announce import LEASE
from tests.fakes.memory_store import MemoryStore
from tests.fakes.world import World

Half = TypeVar("Half", Image, SealedData)


class ViolationError(AssertionError):
    """A promise was broken."""


def require(holds: bool, promise: int, what: str) -> None:
    if not holds:
        raise ViolationError(f"promise {promise} is broken: {what}")


def check_world(world: World) -> None:
    """At any moment, whatever is under way."""
    for run in world.store.runs.values():
        check_trail(world, run)
        check_jobs(world, run)
    for name in world.jobs.requests:
        named = parse_job_name(world.ports.stage.deployment, name)
        owner = world.store.runs.get(named[0]) if named else None
        attempts = owner.attempts if owner is not None else ()
        require(name in {each.job_name for each in attempts}, 2, f"{name} is on no record")
    for mail, announcement in world.mailbox.mails:
        require(announcement.key in world.store.told, 4, f"{mail.subject!r} was sent before it was on record")


def check_trail(world: World, run: Run) -> None:
    try:
        verify(world.store.trail(run.id), run.trail)
    except TrailBrokenError as broken:
        raise ViolationError(f"promise 7 is broken: {broken}") from broken


def check_jobs(world: World, run: Run) -> None:
    jobs = [world.jobs.descriptions[each.job_name] for each in run.attempts if each.job_name in world.jobs.requests]
    running = [job.name for job in jobs if not job.state.status.is_terminal]
    require(len(running) <= 1, 2, f"run {run.id} has several jobs running: {running}")
    numbers = [each.number for each in run.attempts]
    require(len(numbers) == len(set(numbers)), 2, f"run {run.id} has an attempt twice")


class Moment(NamedTuple):
    """What is on record at one time."""

    runs: Mapping[str, Run]
    heads: Mapping[str, ProjectHead]
    told: Mapping[AnnouncementKey, Announcement]
    trails: Mapping[tuple[str, int], TrailEntry]

    @classmethod
    def of(cls, store: MemoryStore) -> Moment:
        return cls(dict(store.runs), dict(store.heads), dict(store.told), dict(store.trails))


def check_step(before: Moment, after: Moment) -> None:
    """Whatever happens, nothing goes back."""
    if before == after:
        return
    for identity, earlier in before.runs.items():
        require(identity in after.runs, 1, f"run {identity} has vanished")
        if after.runs[identity] is not earlier:
            _check_run_moves_on(earlier, after.runs[identity], after)
    for project, head in before.heads.items():
        after_it = after.heads[project]
        _check_half_moves_on(head.image, after_it.image, f"the image of {project}")
        _check_half_moves_on(head.data, after_it.data, f"the data of {project}")
    for key, told in before.told.items():
        if told.state is AnnouncementState.SENT:
            require(after.told[key].state is AnnouncementState.SENT, 4, f"{key} is forgotten to have been sent")
    for place, entry in before.trails.items():
        require(after.trails.get(place) == entry, 7, f"trail entry {place} was changed")


def _check_half_moves_on(earlier: Half | None, later: Half | None, what: str) -> None:
    if earlier is not None and earlier != later:
        require(later is not None and later.replaces(earlier), 3, f"{what} goes back")


def _check_run_moves_on(earlier: Run, later: Run, after: Moment) -> None:
    require(later.trail.sequence >= earlier.trail.sequence, 3, f"the trail of run {later.id} goes back")
    since = range(earlier.trail.sequence + 1, later.trail.sequence + 1)
    what_follows = ("RunRetried", "RunAskedAgain", "ImageBuiltAgain")[: 3 if earlier.superseded_by else 1]
    bodies = [after.trails[later.id, sequence].body for sequence in since]
    asked_anew = any(f'"type":"{event}"' in body for event in what_follows for body in bodies)
    if earlier.status.is_terminal and not asked_anew:
        unchanged = later.status is earlier.status and later.result == earlier.result
        require(unchanged, 3, f"run {later.id} was {earlier.status.value} and is {later.status.value}")
    for attempt in (each for each in earlier.attempts if each.has_job):
        _check_attempt_moves_on(attempt, later)


def _check_attempt_moves_on(earlier: Attempt, run: Run) -> None:
    later = next((each for each in run.attempts if each.number == earlier.number), None)
    if later is None or later.job_name != earlier.job_name:
        raise ViolationError(f"promise 3 is broken: attempt {earlier.number} of run {run.id} has vanished")
    if earlier.state is not None and later.state != earlier.state:
        newer = later.state is not None and later.state.is_newer_than(earlier.state)
        require(newer, 3, f"the job of attempt {earlier.number} goes back")


def check_lease(was: Announcement, leased: Announcement, now: datetime) -> None:
    """Just leased: only what nobody has written down as sent, and nobody is sending."""
    require(was.is_free(now), 4, f"{leased.key} was leased, and was {was.state.value} or leased before")


def check_last_mail(world: World, now: datetime, excused: Collection[int] = ()) -> None:
    """Just published: a second time only if who published before had not written it down when their lease ran out.

    Or if this sender's own lease ran out before it could publish, or if the mail before is among the `excused`, by
    their places.
    """
    _, sent = world.mailbox.mails[-1]
    if sent.leased_until is not None and sent.leased_until <= now:
        return
    granted = now if sent.leased_until is None else sent.leased_until - LEASE
    others = [mail for place, mail in enumerate(world.mailbox.mails[:-1]) if place not in excused]
    for _, earlier in others:
        ran_out = earlier.leased_until is not None and earlier.leased_until <= granted
        require(earlier.key != sent.key or ran_out, 4, f"{sent.key} was sent by two at once")


def check_rest(world: World) -> None:
    """Everything has been delivered, and the sweep has been by."""
    check_world(world)
    mails = Counter(announcement.key for _, announcement in world.mailbox.mails)
    for run in world.store.runs.values():
        require(run.status.is_terminal or run.held is not None, 1, f"run {run.id} is left {run.status.value}")
        require(any(key.subject == run.id for key in mails), 4, f"nobody was told of run {run.id}")
    for key, told in world.store.told.items():
        require(told.state is AnnouncementState.SENT and mails[key] > 0, 4, f"{key} was never sent")
    for image in world.store.images.values():
        head = world.store.head(image.project).image
        require(head is not None and head.replaces(image), 3, f"the head of {image.project} is not its latest image")
    for project in world.ports.stage.projects:
        load = world.store.load(project.name, world.clock.now().date())
        require(load.open_runs == 0, 5, f"{project.name} never gave a place back")
