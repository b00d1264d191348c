"""The metadata store in memory: the same conditions and the same conflicts, without a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime

from dropforge.domain.admission import ProjectLoad
from dropforge.domain.announcement import Announcement, AnnouncementKey, AnnouncementState
from dropforge.domain.congestion import Congestion
from dropforge.domain.dataset import Checksum, Dataset, ListedObject, ObjectVersion
from dropforge.domain.drop import ObjectDropped, ObjectRef, is_later
from dropforge.domain.errors import InvalidDocumentError
from dropforge.domain.head import Pause, ProjectHead, Rebuild, SealedData, SealTimer, StartDelay
from dropforge.domain.image import Image
from dropforge.domain.notice import Notice
from dropforge.domain.run import Run, RunRef, RunStatus, WaitingRef
from dropforge.domain.run_events import RunEvent
from dropforge.domain.trail import TrailEntry
from dropforge.domain.transition import Transition, transition
from dropforge.workflow.ports import ConflictError
from tests.fakes.memory_sealing import MemorySealing


class MemoryAnnouncements:
    """Implements `ports.Announcements`."""

    def __init__(self) -> None:
        self.told: dict[AnnouncementKey, Announcement] = {}
        self.kept: dict[str, Notice] = {}

    def put_notice(self, notice: Notice) -> bool:
        if notice.id in self.kept:
            return False
        self.kept[notice.id] = notice
        announcement = notice.announcement()
        self.told[announcement.key] = announcement
        return True

    def notice(self, notice_id: str) -> Notice | None:
        return self.kept.get(notice_id)

    def notices(self, limit: int) -> tuple[Notice, ...]:
        return tuple(sorted(self.kept.values(), key=lambda notice: notice.at, reverse=True)[:limit])

    def announcement(self, key: AnnouncementKey) -> Announcement | None:
        return self.told.get(key)

    def lease_announcement(self, key: AnnouncementKey, now: datetime, until: datetime) -> Announcement | None:
        found = self.told.get(key)
        if found is None or not found.is_free(now):
            return None
        self.told[key] = replace(found, leased_until=until)
        return self.told[key]

    def release_announcement(self, key: AnnouncementKey) -> None:
        found = self.told.get(key)
        if found is not None and found.state is AnnouncementState.PENDING:
            self.told[key] = replace(found, leased_until=None)

    def notice_announced(self, key: AnnouncementKey) -> None:
        self.told[key] = replace(self.told[key], state=AnnouncementState.SENT, leased_until=None)

    def pending_announcements(self) -> tuple[Announcement, ...]:
        pending = (each for each in self.told.values() if each.state is AnnouncementState.PENDING)
        return tuple(sorted(pending, key=lambda each: each.at))


class MemoryRuns(MemoryAnnouncements):
    """Implements `ports.Runs`; a commit may write announcements too, in the same transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: dict[str, Run] = {}
        self.trails: dict[tuple[str, int], TrailEntry] = {}
        self.unreadable: set[str] = set()
        """Ids of runs whose records somebody has broken."""
        self.opened: Counter[str] = Counter()
        self.started: Counter[tuple[str, date]] = Counter()

    def commit(self, before: Run | None, event: RunEvent) -> Run:
        change = transition(before, event)
        if change is None:
            assert before is not None
            return before
        self._check_conditions(change)
        run, entry, announcement = change.run, change.entry, change.announcement
        self.runs[run.id] = run
        self.trails[entry.run_id, entry.sequence] = entry
        if announcement is not None:
            self.told[announcement.key] = announcement
        self.opened[run.project] += change.opened
        if change.started_on is not None:
            self.started[run.project, change.started_on] += 1
        return run

    def _check_conditions(self, change: Transition) -> None:
        stored, before = self.runs.get(change.run.id), change.before
        if (stored and stored.trail) != (before and before.trail):
            raise ConflictError(f"run {change.run.id} is not at the trail head that was read")
        if (change.entry.run_id, change.entry.sequence) in self.trails:
            raise ConflictError(f"run {change.run.id} has a trail entry {change.entry.sequence} already")
        announcement = change.announcement
        if announcement and announcement.state is AnnouncementState.PENDING and announcement.key in self.told:
            raise ConflictError(f"{announcement.key} is there already")

    def run(self, run_id: str) -> Run | None:
        if run_id in self.unreadable:
            raise InvalidDocumentError(f"the record of run {run_id} cannot be read: restore it")
        return self.runs.get(run_id)

    def trail(self, run_id: str) -> tuple[TrailEntry, ...]:
        places = sorted([place for place in self.trails if place[0] == run_id])
        return tuple([self.trails[place] for place in places])

    def load(self, project: str, day: date) -> ProjectLoad:
        return ProjectLoad(self.opened[project], self.started[project, day])

    def first_in_line(self, due_by: datetime) -> tuple[WaitingRef, ...]:
        names = sorted({run.project for run in self.runs.values() if run.waiting is not None})
        firsts = [next(self.waiting_runs(name, due_by), None) for name in names]
        return tuple(first for first in firsts if first is not None)

    def waiting_runs(self, project: str, due_by: datetime, after: WaitingRef | None = None) -> Iterator[WaitingRef]:
        refs = [waiting_ref(run) for run in self.runs.values() if run.project == project and run.waiting is not None]
        there = [ref for ref in refs if ref.due <= due_by and (after is None or ref.place > after.place)]
        return iter(sorted(there, key=lambda ref: ref.place))

    def open_runs(self) -> Iterator[RunRef]:
        return iter([_ref(run) for run in self.runs.values() if run.status.is_open])

    def unsigned_runs(self) -> Iterator[RunRef]:
        return iter([_ref(run) for run in self.runs.values() if run.awaits_signature])

    def held_runs(self, project: str) -> Iterator[RunRef]:
        held = (run for run in self.runs.values() if run.status is RunStatus.HELD and run.project == project)
        return iter([_ref(run) for run in held])

    def runs_of_project(self, project: str, limit: int, before: RunRef | None = None) -> tuple[Run, ...]:
        return self._page((run for run in self.runs.values() if run.project == project), limit, before)

    def unreadable_runs(self, project: str, limit: int) -> tuple[RunRef, ...]:
        of_project = [run for run in self.runs.values() if run.project == project]
        return tuple(_ref(run) for run in newest_first(of_project)[:limit] if run.id in self.unreadable)

    def runs_of_commit(self, commit: str, limit: int, before: RunRef | None = None) -> tuple[Run, ...]:
        commits = ((run, {run.image.commit, *(each.commit for each in run.also_built)}) for run in self.runs.values())
        return self._page((run for run, built in commits if commit in built), limit, before)

    def runs_of_dataset(self, project: str, version: str, limit: int, before: RunRef | None = None) -> tuple[Run, ...]:
        of_project = (run for run in self.runs.values() if run.project == project)
        return self._page((run for run in of_project if run.dataset.version == version), limit, before)

    def runs_of_image(self, digest: str, limit: int | None = None) -> tuple[Run, ...]:
        return self._newest(run for run in self.runs.values() if run.image.digest == digest)[:limit]

    def runs_of_model(self, sha256: str) -> tuple[Run, ...]:
        with_model = (run for run in self.runs.values() if run.result is not None and run.result.model is not None)
        return self._newest(run for run in with_model if run.result.model.sha256 == sha256)  # type: ignore[union-attr]

    def reproductions_of(self, run_id: str, limit: int) -> tuple[Run, ...]:
        of_run = (run for run in self.runs.values() if run.reproduces is not None and run.reproduces.of == run_id)
        return self._newest(of_run)[:limit]

    def runs_with_prefix(self, prefix: str) -> tuple[RunRef, ...]:
        return tuple(_ref(run) for _, run in sorted(self.runs.items()) if run.id.startswith(prefix))

    def _page(self, runs: Iterable[Run], limit: int, before: RunRef | None) -> tuple[Run, ...]:
        found = newest_first(runs)
        if before is not None:
            found = [run for run in found if (run.requested_at, run.id) < (before.requested_at, before.id)]
        return tuple(run for run in found[:limit] if run.id not in self.unreadable)

    def _newest(self, runs: Iterator[Run]) -> tuple[Run, ...]:
        return tuple(newest_first(run for run in runs if run.id not in self.unreadable))


class MemoryCatalog:
    """Implements `ports.Catalog`."""

    def __init__(self) -> None:
        self.heads: dict[str, ProjectHead] = {}
        self.images: dict[tuple[str, str], Image] = {}
        self.builds: dict[tuple[str, str], Image] = {}
        self.datasets: dict[tuple[str, str], Dataset] = {}
        self.memberships: dict[tuple[str, str, str], dict[str, Dataset]] = {}
        self.drops: dict[tuple[str, str, str], ObjectDropped] = {}
        self.latest: dict[tuple[str, str], ObjectDropped] = {}
        self.hashes: dict[tuple[str, ListedObject], Checksum] = {}

    def head(self, project: str) -> ProjectHead:
        return self.heads.get(project, ProjectHead(project))

    def advance_image(self, image: Image) -> ProjectHead:
        self.builds[image.project, image.execution_id] = image
        if image.replaces(self.image(image.project, image.digest)):
            self.images[image.project, image.digest] = image
        head = self.head(image.project)
        if image.replaces(head.image):
            self.heads[image.project] = replace(head, image=image, first_build=head.first_build or image.execution_id)
        return self.head(image.project)

    def advance_data(self, data: SealedData) -> ProjectHead:
        project = data.dataset.project
        head = self.head(project)
        if data.replaces(head.data):
            self.heads[project] = replace(head, data=data, owes_run=True)
        return self.head(project)

    def settle_data(self, project: str, revision: int) -> None:
        head = self.head(project)
        if head.data is not None and head.data.revision == revision:
            self.heads[project] = replace(head, owes_run=False)

    def image(self, project: str, digest: str) -> Image | None:
        return self.images.get((project, digest))

    def images_of_digest(self, projects: Sequence[str], digest: str) -> tuple[Image, ...]:
        return tuple(self.images[each, digest] for each in projects if (each, digest) in self.images)

    def build(self, project: str, execution_id: str) -> Image | None:
        return self.builds.get((project, execution_id))

    def put_dataset(self, dataset: Dataset, objects: Sequence[ObjectVersion]) -> None:
        for each in objects:
            members = self.memberships.setdefault((dataset.bucket, each.key, each.version_id), {})
            members.setdefault(dataset.version, dataset)
        self.datasets.setdefault((dataset.project, dataset.version), dataset)

    def dataset(self, project: str, version: str) -> Dataset | None:
        return self.datasets.get((project, version))

    def datasets_of_version(self, projects: Sequence[str], version: str) -> tuple[Dataset, ...]:
        return tuple(self.datasets[each, version] for each in projects if (each, version) in self.datasets)

    def datasets_of_object(self, bucket: str, key: str, version_id: str | None, limit: int) -> tuple[Dataset, ...]:
        found: dict[str, Dataset] = {}
        for (in_bucket, named, version), members in self.memberships.items():
            if (in_bucket, named) == (bucket, key) and version_id in {None, version}:
                found |= members
        return tuple(sorted(found.values(), key=lambda each: each.sealed_at, reverse=True)[:limit])

    def record_drop(self, project: str, drop: ObjectDropped) -> None:  # noqa: ARG002
        key = drop.bucket, drop.key, drop.version_id
        if drop.replaces(self.drops.get(key)):
            self.drops[key] = drop

    def drop(self, bucket: str, key: str, version_id: str) -> ObjectDropped | None:
        return self.drops.get((bucket, key, version_id))

    def drops_of(self, objects: Sequence[ObjectRef]) -> Mapping[ObjectRef, ObjectDropped]:
        keys = {each: (each.bucket, each.key, each.version_id) for each in objects}
        return {each: self.drops[key] for each, key in keys.items() if key in self.drops}

    def dropped(self, bucket: str, objects: Sequence[ListedObject]) -> Collection[ListedObject]:
        return frozenset(each for each in objects if (bucket, each.key, each.version_id) in self.drops)

    def note_latest(self, drop: ObjectDropped) -> bool:
        noted = self.latest.get((drop.bucket, drop.key))
        if drop.sequencer and noted is not None and is_later(noted.sequencer, than=drop.sequencer):
            return False
        if drop.sequencer:
            self.latest[drop.bucket, drop.key] = drop
        return True

    def latest_version(self, bucket: str, key: str) -> str | None:
        noted = self.latest.get((bucket, key))
        return None if noted is None else noted.version_id

    def checksums(self, bucket: str, objects: Sequence[ListedObject]) -> Mapping[ListedObject, Checksum]:
        return {each: self.hashes[bucket, each] for each in objects if (bucket, each) in self.hashes}

    def record_checksum(self, bucket: str, listed: ListedObject, checksum: Checksum) -> None:
        self.hashes[bucket, listed] = checksum


class MemoryTimers:
    """Implements `ports.Rebuilds`, `ports.Pauses` and `ports.CongestionNotes`."""

    def __init__(self) -> None:
        self.congested: dict[str, Congestion] = {}
        self.rebuilds: dict[tuple[str, str], Rebuild] = {}
        self.pauses: dict[str | None, Pause] = {}

    def record_rebuild(self, rebuild: Rebuild) -> Rebuild:
        return self.rebuilds.setdefault((rebuild.project, rebuild.dataset_version), rebuild)

    def rebuild(self, project: str, dataset_version: str) -> Rebuild | None:
        return self.rebuilds.get((project, dataset_version))

    def rebuild_started(self, project: str, dataset_version: str, execution_id: str) -> None:
        key = project, dataset_version
        self.rebuilds[key] = replace(self.rebuilds[key], execution_id=execution_id)

    def delay_rebuild(self, project: str, dataset_version: str, delay: StartDelay) -> None:
        key = project, dataset_version
        if key in self.rebuilds and self.rebuilds[key].execution_id is None:
            self.rebuilds[key] = replace(self.rebuilds[key], delay=delay)

    def claim_rebuild(self, project: str, dataset_version: str, image_digest: str) -> Rebuild:
        key = project, dataset_version
        if key not in self.rebuilds:
            raise ConflictError(f"there is no rebuild of {project} for {dataset_version}")
        if self.rebuilds[key].image_digest is None:
            self.rebuilds[key] = replace(self.rebuilds[key], image_digest=image_digest)
        return self.rebuilds[key]

    def unstarted_rebuilds(self) -> tuple[Rebuild, ...]:
        return tuple(rebuild for rebuild in self.rebuilds.values() if rebuild.execution_id is None)

    def pause(self, project: str | None) -> Pause | None:
        return self.pauses.get(project)

    def set_pause(self, pause: Pause) -> None:
        self.pauses[pause.project] = pause

    def clear_pause(self, project: str | None) -> None:
        self.pauses.pop(project, None)

    def congestion(self) -> tuple[Congestion, ...]:
        return tuple(self.congested.values())

    def note_congestion(self, congestion: Congestion) -> None:
        self.congested[congestion.scope] = congestion

    def forget_congestion(self, scope: str) -> None:
        self.congested.pop(scope, None)


class MemoryStore(MemoryRuns, MemoryCatalog, MemorySealing, MemoryTimers):
    """Implements `ports.MetadataStore`."""

    def __init__(self) -> None:
        MemoryRuns.__init__(self)
        MemoryCatalog.__init__(self)
        MemorySealing.__init__(self)
        MemoryTimers.__init__(self)

    def touch_object(self, project: str, drop: ObjectDropped, due: datetime) -> SealTimer:
        self.record_drop(project, drop)
        return super().touch_object(project, drop, due)


def newest_first(runs: Iterable[Run]) -> list[Run]:
    return sorted(runs, key=lambda run: (run.requested_at, run.id), reverse=True)


def _ref(run: Run) -> RunRef:
    return RunRef(run.id, run.project, run.requested_at, run.status)


def waiting_ref(run: Run) -> WaitingRef:
    assert run.waiting is not None
    return WaitingRef(run.id, run.project, run.requested_at, run.status, run.waiting.due)
