"""Find what came or went under a project's prefix and no event told of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dropforge.domain.announcement import Outcome
from dropforge.domain.artifact_layout import manifest_key
from dropforge.domain.batching import batched
from dropforge.domain.counting import several
from dropforge.domain.dataset import ListedObject
from dropforge.domain.drop import ObjectDropped
from dropforge.domain.lateness import SWEEP
from dropforge.domain.notice import Notice
from dropforge.domain.project import Project, SealMode
from dropforge.domain.sealing import is_data, is_marker
from dropforge.workflow.accept_drop import accept_drop
from dropforge.workflow.ports import Ports

SETTLED_AFTER = timedelta(minutes=8)
"""An event may be that late without being lost: one that failed twice comes again after five."""
LOOKED_BACK = timedelta(hours=6)
READ_AT_ONCE = 100
"""Objects that the store is asked about together."""
SHOWN = 20
"""Keys that a notice names."""
FOUND = f"unknown, found by the {SWEEP.name}"
"""Who dropped it: S3 says that in its events alone."""


def find_drops(ports: Ports, project: Project) -> None:
    """Accept what came within the last hours and is not on record, and let a prefix be sealed from which things went.

    Bounded: two listings of the prefix (a request for each thousand versions), gone through side by side so that of
    them no more than a few pages are held; one read of the store for each hundred objects of these hours; and the
    manifest of what was sealed last, held whole, against which is seen what went or is back: neither is a new version.
    """
    now = ports.clock.now()
    sealed, is_filling = _sealed(ports, project), _is_filling(ports, project, now)
    there = _Listing(ports.bucket.current_objects(project.data_prefix, now - SETTLED_AFTER), sealed)
    before = ports.bucket.current_objects(project.data_prefix, now - LOOKED_BACK)
    found = _Found()
    for some in batched((each for each in _came(there, before) if _matters(project, each)), READ_AT_ONCE):
        for each in _untold(ports, some):
            accept_drop(ports, _as_drop(ports, each))
            found.note(each)
    if found.first is not None:
        ports.store.put_notice(_told(ports, project, found, found.first))
    if project.seal.mode is SealMode.QUIET and (found.has_data or there.differs) and not is_filling:
        ports.store.touch_seal(project.name, FOUND, now, now)
        ports.wakeups.seal(project.name, timedelta(0))


class _Listing:
    """Objects in the order of their keys, held against those that were sealed, if any, while they are gone through."""

    def __init__(self, listed: Iterator[ListedObject], sealed: Collection[ListedObject] | None) -> None:
        self._listed = listed
        self._left = None if sealed is None else set(sealed)
        self._has_others = False

    def __iter__(self) -> Iterator[ListedObject]:
        for each in self._listed:
            if self._left is not None and is_data(each.key):
                self._has_others = self._has_others or each not in self._left
                self._left.discard(each)
            yield each

    @property
    def differs(self) -> bool:
        """Whether what was gone through is not what was sealed."""
        return self._left is not None and (self._has_others or bool(self._left))


@dataclass
class _Found:
    """What no event told of: the first of it, and enough to tell of the others."""

    first: ListedObject | None = None
    count: int = 0
    has_data: bool = False
    keys: list[str] = field(default_factory=list)

    def note(self, listed: ListedObject) -> None:
        self.first = self.first or listed
        self.count += 1
        self.has_data = self.has_data or is_data(listed.key)
        if len(self.keys) < SHOWN:
            self.keys.append(listed.key)


def _came(there: Iterable[ListedObject], before: Iterator[ListedObject]) -> Iterator[ListedObject]:
    """Those that were not there before, this very version. Both are in the order of their keys."""
    earlier = next(before, None)
    for each in there:
        while earlier is not None and earlier.key < each.key:
            earlier = next(before, None)
        if each != earlier:
            yield each


def _matters(project: Project, listed: ListedObject) -> bool:
    """Placeholders of folders are never recorded, and markers only where they mean something."""
    return is_data(listed.key) or (project.seal.mode is SealMode.MARKER and is_marker(listed.key))


def _untold(ports: Ports, listed: Sequence[ListedObject]) -> list[ListedObject]:
    told = ports.store.dropped(ports.bucket.name, listed)
    return [each for each in listed if each not in told]


def _is_filling(ports: Ports, project: Project, now: datetime) -> bool:
    """Whether objects came a moment ago, so that the prefix is sealed once it is quiet, with all that was found."""
    timer = ports.store.seal_timer(project.name)
    return timer is not None and timer.due is not None and timer.due > now


def _sealed(ports: Ports, project: Project) -> Collection[ListedObject] | None:
    """What a prefix that is sealed as a whole has to hold, as it was some minutes ago; None where something is said to
    have changed since.
    """
    if project.seal.mode is not SealMode.QUIET:
        return None
    data, timer = ports.store.head(project.name).data, ports.store.seal_timer(project.name)
    if data is None or timer is None or timer.due is not None or timer.revision != data.revision:
        return None
    # A version that is gone back to says when it was first sealed, and the timer when it was that this was told.
    if max(data.dataset.sealed_at, timer.last_drop_at) > ports.clock.now() - SETTLED_AFTER:
        return None
    manifest = ports.bucket.manifest(manifest_key(project.name, data.dataset.version))
    return {each.listed for each in manifest.objects}


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


def _told(ports: Ports, project: Project, found: _Found, first: ListedObject) -> Notice:
    what = several(found.count, "object was", "objects were")
    return Notice(
        kind=Outcome.HEALED,
        project=project.name,
        subject=f"{project.name}: {what} found that no event told of",
        sentence=f"{what} dropped under {project.data_prefix}, and S3's event was not handled in time; nothing is "
        "lost, since the sweep found what it was about. Who dropped it is known once the event comes.",
        at=ports.clock.now(),
        evidence={"bucket": ports.bucket.name, "key": first.key, "version_id": first.version_id},
        details=tuple(found.keys),
    )
