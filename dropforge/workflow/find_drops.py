"""Find what came or went under a project's prefix and no event told of."""

from __future__ import annotations

from datetime import timedelta

from dropforge.domain.announcement import Outcome
from dropforge.domain.counting import several
from dropforge.domain.dataset import ListedObject
from dropforge.domain.drop import ObjectDropped
from dropforge.domain.lateness import SWEEP
from dropforge.domain.notice import Notice
from dropforge.domain.project import Project, SealMode
from dropforge.domain.sealing import is_data, is_marker
from dropforge.workflow.accept_drop import accept_drop
from dropforge.workflow.ports import Ports

SETTLED_AFTER = timedelta(minutes=5)
"""An event may be that late without being lost."""
LOOKED_BACK = timedelta(hours=6)
FOUND = f"unknown, found by the {SWEEP.name}"
"""Who dropped it: S3 says that in its events alone."""


def find_drops(ports: Ports, project: Project) -> None:
    """Accept what came within the last hours and is not on record, and let a prefix be sealed from which things went.

    Bounded: two listings of the prefix (a request for each thousand versions) and one read of the store for each
    hundred objects of these hours. A deletion is known by the count alone: where as many came as went, what came has
    been found.
    """
    now = ports.clock.now()
    there = set(ports.bucket.current_objects(project.data_prefix, now - SETTLED_AFTER))
    new = there.difference(ports.bucket.current_objects(project.data_prefix, now - LOOKED_BACK))
    untold = _untold(ports, sorted((each for each in new if _matters(project, each)), key=lambda each: each.key))
    for each in untold:
        accept_drop(ports, _as_drop(ports, each))
    if untold:
        ports.store.put_notice(_found(ports, project, untold))
    came = any(is_data(each.key) for each in untold)
    if project.seal.mode is SealMode.QUIET and (came or _lost(ports, project, there)):
        ports.store.touch_seal(project.name, FOUND, now, now)
        ports.wakeups.seal(project.name, timedelta(0))


def _matters(project: Project, listed: ListedObject) -> bool:
    """Placeholders of folders are never recorded, and markers only where they mean something."""
    return is_data(listed.key) or (project.seal.mode is SealMode.MARKER and is_marker(listed.key))


def _untold(ports: Ports, listed: list[ListedObject]) -> list[ListedObject]:
    told = ports.store.dropped(ports.bucket.name, listed)
    return [each for each in listed if each not in told]


def _lost(ports: Ports, project: Project, there: set[ListedObject]) -> bool:
    """Whether less is there than the head's data holds, though nothing is said to have changed since."""
    head, timer = ports.store.head(project.name), ports.store.seal_timer(project.name)
    if head.data is None or timer is None or timer.due is not None or timer.revision != head.data.revision:
        return False
    return sum(is_data(each.key) for each in there) < head.data.dataset.objects


def _as_drop(ports: Ports, listed: ListedObject) -> ObjectDropped:
    """No sequencer, which any event on the same key is later than."""
    return ObjectDropped(
        bucket=ports.bucket.name,
        key=listed.key,
        version_id=listed.version_id,
        size=listed.size,
        sequencer="",
        principal=FOUND,
        address="",
        at=ports.clock.now(),
    )


def _found(ports: Ports, project: Project, untold: list[ListedObject]) -> Notice:
    first, count = untold[0], len(untold)
    what = several(count, "object was", "objects were")
    return Notice(
        kind=Outcome.HEALED,
        project=project.name,
        subject=f"{project.name}: {what} found that no event told of",
        sentence=f"{what} dropped under {project.data_prefix}, and S3's event did not arrive; nothing is lost, since "
        "the sweep found what it was about. Who dropped it is not known.",
        at=ports.clock.now(),
        evidence={"bucket": ports.bucket.name, "key": first.key, "version_id": first.version_id},
        details=tuple(each.key for each in untold[:20]),
    )
