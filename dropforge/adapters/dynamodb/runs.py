"""Runs and their trails."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date, datetime
from typing import TYPE_CHECKING, cast

from dropforge.adapters import table_layout as layout
from dropforge.adapters.dynamodb.announcement_items import announcement_item
from dropforge.adapters.dynamodb.items import Item, Scalar, item, text_of, value_of
from dropforge.adapters.dynamodb.tables import ABSENT, Question, Tables, put_write
from dropforge.domain.admission import ProjectLoad
from dropforge.domain.announcement import Announcement, AnnouncementState
from dropforge.domain.encoding import time_text
from dropforge.domain.errors import InvalidDocumentError
from dropforge.domain.image import Build
from dropforge.domain.run import Run, RunRef, RunStatus, WaitingRef
from dropforge.domain.run_events import RunEvent
from dropforge.domain.trail import TrailEntry
from dropforge.domain.transition import Transition, transition

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

_UNCHANGED = "#trail_sequence = :sequence AND #trail_digest = :digest"
_HANDFUL = 8
_A_FEW = 25
"""Of the runs that wait behind one: as many as a pass may well start."""


class DynamoRuns:
    """Implements `ports.Runs`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def commit(self, before: Run | None, event: RunEvent) -> Run:
        change = transition(before, event)
        if change is None:
            return cast("Run", before)  # what begins a run always changes something
        self._tables.transact(self._writes(change))
        return change.run

    def run(self, run_id: str) -> Run | None:
        found = self._tables.get(layout.run(run_id))
        return None if found is None else run_in(found)

    def trail(self, run_id: str) -> tuple[TrailEntry, ...]:
        question = Question(layout.trail_partition(run_id), table=self._tables.trail)
        return tuple(trail_entry_in(run_id, found) for found in self._tables.query(question))

    def load(self, project: str, day: date) -> ProjectLoad:
        counters = [layout.open_runs(project), layout.day(project, day.isoformat())]
        counts = {str(found["sk"]): int(found["runs"]) for found in self._tables.get_all(counters)}
        return ProjectLoad(*(counts.get(counter.sort, 0) for counter in counters))

    def first_in_line(self, due_by: datetime) -> tuple[WaitingRef, ...]:
        """The lines lie one after the other: behind the first of one, the first of the next is asked for."""
        firsts, behind = list[WaitingRef](), layout.BEFORE_ALL_LINES
        while True:
            question = Question(layout.WAITING, layout.BY_DUE, "#due_sk > :behind", {":behind": behind}, limit=1)
            first = next(map(waiting_ref_in, self._tables.query(question)), None)
            if first is None:
                return tuple(each for each in firsts if each.due <= due_by)
            firsts.append(first)
            behind = layout.end_of_line(first.project)

    def waiting_runs(self, project: str, due_by: datetime, after: WaitingRef | None = None) -> Iterator[WaitingRef]:
        # What is due sorts up to its due time and "#"; "$" is the character that follows.
        until = layout.place_in_line(project, f"{time_text(due_by)}$")
        behind, page = (_place(after), _A_FEW) if after is not None else (layout.place_in_line(project, ""), None)
        values = {":behind": behind, ":until": until}
        between = "#due_sk BETWEEN :behind AND :until"
        found = self._tables.query(Question(layout.WAITING, layout.BY_DUE, between, values, page=page))
        return (ref for ref in map(waiting_ref_in, found) if ref != after)

    def open_runs(self) -> Iterator[RunRef]:
        return self._refs(Question(layout.OPEN, layout.BY_DUE))

    def unsigned_runs(self) -> Iterator[RunRef]:
        return self._refs(Question(layout.UNSIGNED, layout.BY_DUE))

    def held_runs(self, project: str) -> Iterator[RunRef]:
        return self._refs(Question(layout.held(project), layout.BY_DUE))

    def runs_of_project(self, project: str, limit: int, before: RunRef | None = None) -> tuple[Run, ...]:
        return tuple(readable_in(self._newest_of(project, layout.BY_PROJECT, limit, before)))

    def unreadable_runs(self, project: str, limit: int) -> tuple[RunRef, ...]:
        found = self._newest_of(project, layout.BY_PROJECT, limit)
        return tuple(run_ref_in(each) for each in found if not list(readable_in([each])))

    def runs_of_commit(self, commit: str, limit: int, before: RunRef | None = None) -> tuple[Run, ...]:
        """One request more where runs of another commit stand for this one's builds."""
        found = list(self._newest_of(commit, layout.BY_COMMIT, limit, before))
        of_others = self._named(each for each in found if "run" in each)
        return _newest((*readable_in(each for each in found if "run" not in each), *of_others))

    def runs_of_dataset(self, project: str, version: str, limit: int, before: RunRef | None = None) -> tuple[Run, ...]:
        found = self._newest_of(layout.trained_on(project, version), layout.BY_DATASET, limit, before)
        return tuple(readable_in(found))

    def runs_of_image(self, digest: str, limit: int | None = None) -> tuple[Run, ...]:
        partition = layout.run_of_image(digest, "", "").partition
        return _newest(self._named(self._tables.query(Question(partition, newest_first=True, limit=limit))))

    def runs_of_model(self, sha256: str) -> tuple[Run, ...]:
        """A run that was retried may have given another model since: then it is not of this one any more."""
        question = Question(layout.run_of_model(sha256, "").partition, limit=_HANDFUL)
        return _newest(run for run in self._named(self._tables.query(question)) if model_sha256(run) == sha256)

    def reproductions_of(self, run_id: str, limit: int) -> tuple[Run, ...]:
        """One request more where there are any."""
        key = layout.run_of_original(run_id, "")
        beginning = {":prefix": key.sort}
        question = Question(key.partition, sort="begins_with(#sk, :prefix)", values=beginning, limit=limit)
        return _newest(self._named(self._tables.query(question)))

    def runs_with_prefix(self, prefix: str) -> tuple[RunRef, ...]:
        partition = layout.run_name(prefix).partition
        question = Question(partition, sort="begins_with(#sk, :prefix)", values={":prefix": prefix}, limit=_HANDFUL)
        runs = [layout.run(str(found["sk"])) for found in self._tables.query(question)]
        return tuple(sorted(map(run_ref_in, self._tables.get_all(runs)), key=lambda ref: ref.id))

    def _refs(self, question: Question) -> Iterator[RunRef]:
        return map(run_ref_in, self._tables.query(question))

    def _named(self, found: Iterable[Item]) -> tuple[Run, ...]:
        """The runs that these items name in `run`."""
        keys = [layout.run(str(each["run"])) for each in found]
        return tuple(readable_in(self._tables.get_all(keys))) if keys else ()

    def _newest_of(
        self, partition: str, index: layout.Index, limit: int, before: RunRef | None = None
    ) -> Iterator[Item]:
        """What an index whose sort key is `_in_time` has, asked for before that run where one is given."""
        if before is None:
            return self._tables.query(Question(partition, index, newest_first=True, limit=limit))
        values = {":before": _in_time(before.requested_at, before.id)}
        return self._tables.query(Question(partition, index, f"#{index.sort_key} < :before", values, True, limit))

    def _writes(self, change: Transition) -> list[TransactWriteItemTypeDef]:
        run, before = change.run, change.before
        entry = put_write(self._tables.trail, trail_item(change.entry), ABSENT)
        writes = [*self._run_writes(run, before), entry, *self._announcement_writes(change.announcement)]
        if change.opened:
            writes.append(self._count(layout.open_runs(run.project), change.opened))
        if change.started_on is not None:
            writes.append(self._count(layout.day(run.project, change.started_on.isoformat()), 1))
        return writes

    def _run_writes(self, run: Run, before: Run | None) -> list[TransactWriteItemTypeDef]:
        if before is None:
            name = item(layout.run_name(run.id), {})
            of_image = item(layout.run_of_image(run.image.digest, time_text(run.requested_at), run.id), {"run": run.id})
            found_by = [name, of_image, *_reproduction_items(run)]
            return [self._tables.put_write(run_item(run), ABSENT), *map(self._tables.put_write, found_by)]
        head: Item = {":sequence": before.trail.sequence, ":digest": before.trail.digest}
        further = run.also_built[len(before.also_built) :]
        builds = [self._tables.put_write(run_of_build_item(run, each)) for each in further]
        return [self._tables.put_write(run_item(run), _UNCHANGED, head), *builds, *self._model_writes(run, before)]

    def _model_writes(self, run: Run, before: Run) -> list[TransactWriteItemTypeDef]:
        sha256 = model_sha256(run)
        if sha256 is None or sha256 == model_sha256(before):
            return []
        return [self._tables.put_write(item(layout.run_of_model(sha256, run.id), {"run": run.id}))]

    def _announcement_writes(self, announcement: Announcement | None) -> list[TransactWriteItemTypeDef]:
        if announcement is None:
            return []
        condition = ABSENT if announcement.state is AnnouncementState.PENDING else ""
        return [self._tables.put_write(announcement_item(announcement), condition)]

    def _count(self, counter: layout.Key, runs: int) -> TransactWriteItemTypeDef:
        expression = "SET #schema = :schema ADD #runs :runs"
        return self._tables.update_write(counter, expression, {":runs": runs, ":schema": layout.SCHEMA_VERSION})


def run_item(run: Run) -> dict[str, Scalar]:
    """The run with the attributes by which it is found; a finished and signed run leaves the index of what is due."""
    named = _in_time(run.requested_at, run.id)
    due_partition, due_sort = _due(run)
    return item(
        layout.run(run.id),
        {
            "document": text_of(run),
            "status": run.status.value,
            "project": run.project,
            "requested_at": time_text(run.requested_at),
            "trail_sequence": run.trail.sequence,
            "trail_digest": run.trail.digest,
            layout.BY_PROJECT.partition_key: run.project,
            layout.BY_PROJECT.sort_key: named,
            layout.BY_COMMIT.partition_key: run.image.commit,
            layout.BY_COMMIT.sort_key: named,
            layout.BY_DATASET.partition_key: layout.trained_on(run.project, run.dataset.version),
            layout.BY_DATASET.sort_key: named,
            layout.BY_DUE.partition_key: due_partition,
            layout.BY_DUE.sort_key: due_sort,
        },
    )


def _reproduction_items(run: Run) -> list[dict[str, Scalar]]:
    """By which it is found under its original."""
    if run.reproduces is None:
        return []
    return [item(layout.run_of_original(run.reproduces.of, run.id), {"run": run.id})]


def run_of_build_item(run: Run, build: Build) -> dict[str, Scalar]:
    """By which the run is found under the commit of a further build; the run itself is under its first one's."""
    return item(
        layout.run_of_build(run.id, build.execution_id),
        {
            "run": run.id,
            layout.BY_COMMIT.partition_key: build.commit,
            layout.BY_COMMIT.sort_key: _in_time(run.requested_at, run.id),
        },
    )


def _in_time(requested_at: datetime, run_id: str) -> str:
    """A sort key by which runs are in the order in which they were asked for."""
    return f"{time_text(requested_at)}#{run_id}"


def model_sha256(run: Run) -> str | None:
    """Of the model that the run gave, where that is known."""
    return run.result.model.sha256 if run.result is not None and run.result.model is not None else None


def _newest(runs: Iterable[Run]) -> tuple[Run, ...]:
    """Each once, the newest first."""
    found = {run.id: run for run in runs}
    return tuple(sorted(found.values(), key=lambda run: (run.requested_at, run.id), reverse=True))


def run_in(found: Item) -> Run:
    return value_of(Run, found["document"])


def readable_in(items: Iterable[Item]) -> Iterator[Run]:
    """Those runs that can be read: a record that cannot must not hide all others."""
    for each in items:
        with suppress(InvalidDocumentError):
            yield run_in(each)


def run_ref_in(found: Item) -> RunRef:
    run_id = str(found[layout.PARTITION_KEY]).removeprefix(layout.run("").partition)
    requested_at = datetime.fromisoformat(str(found["requested_at"]))
    return RunRef(run_id, str(found["project"]), requested_at, RunStatus(found["status"]))


def waiting_ref_in(found: Item) -> WaitingRef:
    ref, (_, due, *_) = run_ref_in(found), str(found[layout.BY_DUE.sort_key]).split("#")
    return WaitingRef(ref.id, ref.project, ref.requested_at, ref.status, datetime.fromisoformat(due))


def trail_item(entry: TrailEntry) -> dict[str, Scalar]:
    """The entry; its own digest is written beside it for people who look, and never read back."""
    attributes = {"previous": entry.previous, "body": entry.body, "digest": entry.digest}
    return item(layout.trail_entry(entry.run_id, entry.sequence), attributes)


def trail_entry_in(run_id: str, found: Item) -> TrailEntry:
    return TrailEntry(run_id, int(found[layout.SORT_KEY]), str(found["previous"]), str(found["body"]))


def _place(ref: WaitingRef) -> str:
    return layout.place_in_line(ref.project, f"{time_text(ref.due)}#{time_text(ref.requested_at)}#{ref.id}")


def _due(run: Run) -> tuple[str | None, str | None]:
    if run.status is RunStatus.WAITING and run.waiting is not None:
        return layout.WAITING, _place(WaitingRef(run.id, run.project, run.requested_at, run.status, run.waiting.due))
    if run.status.is_open:
        return layout.OPEN, f"{time_text(run.changed_at)}#{run.id}"
    if run.status is RunStatus.HELD:
        return layout.held(run.project), f"{time_text(run.changed_at)}#{run.id}"
    if run.awaits_signature:
        return layout.UNSIGNED, f"{time_text(run.changed_at)}#{run.id}"
    return None, None
