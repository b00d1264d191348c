"""When data is next sealed. A timer's item is never deleted, so that its revision never goes back."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from itertools import islice
from typing import Final

from dropforge.adapters import table_layout as layout
from dropforge.adapters.dynamodb.catalog import drop_update
from dropforge.adapters.dynamodb.items import Item, Scalar, item, text_of, value_of
from dropforge.adapters.dynamodb.tables import ABSENT, Question, Tables
from dropforge.adapters.table_layout import Key
from dropforge.domain.drop import ObjectDropped, ObjectRef
from dropforge.domain.encoding import time_text
from dropforge.domain.head import SealTimer
from dropforge.workflow.ports import MOST_DUE, ConflictError

_COUNTED: Final = "#schema = :schema, #project = :project"
_LAST: Final = "#last_drop_at = :at, #last_drop_by = :by"
_FREE: Final = (
    "#revision = :revision AND attribute_exists(#due) AND (attribute_not_exists(#held_until) "
    "OR #held_revision <> :revision OR #held_until <= :now OR #held_by = :holder)"
)


class DynamoSealTimers:
    """Implements `ports.SealTimers`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def touch_seal(self, project: str, by: str, at: datetime, due: datetime) -> SealTimer:
        """Drops come out of order: who was the last, and when, stays that of the latest of all."""
        values = {
            **_drop(project, by, at),
            ":due": time_text(due),
            ":sealing": layout.SEALING,
            ":order": _order(due, project),
        }
        key, waits = layout.seal_timer(project), "#due = :due, #due_pk = :sealing, #due_sk = :order ADD #revision :one"
        in_order = "attribute_not_exists(#last_drop_at) OR #last_drop_at <= :at"
        after = self._tables.update(key, f"SET {_COUNTED}, {_LAST}, {waits}", values, in_order)
        if after is None:
            del values[":at"], values[":by"]
            after = self._tables.update(key, f"SET {_COUNTED}, {waits}", values)
        return timer_in(after or {})

    def touch_object(self, project: str, drop: ObjectDropped, due: datetime) -> SealTimer:
        counted = self._tables.update(
            layout.seal_timer(project),
            f"SET {_COUNTED}, {_LAST} ADD #revision :one",
            _drop(project, drop.by, due),
        )
        timer = SealTimer(project, int((counted or {})["revision"]), due, drop.by, due, drop.ref)
        is_set = self._tables.put_write(object_timer_item(timer, due), ABSENT)
        is_dropped = drop_update(project, drop)
        try:
            self._tables.transact([is_set, self._tables.update_write(*is_dropped)])
        except ConflictError:
            there = self.seal_timer(project, drop.ref)
            if there is None:
                raise
            self._tables.update(*is_dropped)  # the sweep may have set the timer, which knew of nobody
            return there
        return timer

    def seal_timer(self, project: str, of: ObjectRef | None = None) -> SealTimer | None:
        found = self._tables.get(_key(project, of))
        return None if found is None else timer_in(found)

    def hold_seal(self, timer: SealTimer, holder: str, now: datetime, until: datetime) -> bool:
        after = self._tables.update(
            _key(timer.project, timer.of),
            "SET #held_revision = :revision, #held_by = :holder, #held_until = :until, #due_sk = :order",
            {
                ":revision": timer.revision,
                ":holder": holder,
                ":now": time_text(now),
                ":until": time_text(until),
                ":order": _order(until, timer.project),
            },
            _FREE,
        )
        return after is not None

    def release_seal(self, timer: SealTimer) -> None:
        if timer.due is not None:
            self._tables.update(
                _key(timer.project, timer.of),
                "SET #due_sk = :order REMOVE #held_revision, #held_by, #held_until",
                {":revision": timer.revision, ":order": _order(timer.due, timer.project)},
                "#revision = :revision AND attribute_exists(#due)",
            )

    def clear_seal(self, timer: SealTimer) -> bool:
        after = self._tables.update(
            _key(timer.project, timer.of),
            "REMOVE #due, #due_pk, #due_sk, #held_revision, #held_by, #held_until",
            {":revision": timer.revision},
            "#revision = :revision",
        )
        return after is not None

    def due_seals(self, due_by: datetime, projects: Collection[str] | None = None) -> tuple[SealTimer, ...]:
        """Others' timers are read past: those of a project that nobody declares any more stay due for good."""
        question = Question(layout.SEALING, layout.BY_DUE, "#due_sk < :until", {":until": f"{time_text(due_by)}$"})
        due = map(timer_in, self._tables.query(question))
        return tuple(islice((each for each in due if projects is None or each.project in projects), MOST_DUE))


def timer_in(found: Item) -> SealTimer:
    due, of = found.get("due"), found.get("of")
    return SealTimer(
        project=str(found["project"]),
        revision=int(found["revision"]),
        last_drop_at=datetime.fromisoformat(str(found["last_drop_at"])),
        last_drop_by=str(found["last_drop_by"]),
        due=None if due is None else datetime.fromisoformat(str(due)),
        of=None if of is None else value_of(ObjectRef, of),
    )


def object_timer_item(timer: SealTimer, due: datetime) -> dict[str, Scalar]:
    return item(
        _key(timer.project, timer.of),
        {
            "project": timer.project,
            "revision": timer.revision,
            "last_drop_at": time_text(timer.last_drop_at),
            "last_drop_by": timer.last_drop_by,
            "due": time_text(due),
            "of": text_of(timer.of),
            layout.BY_DUE.partition_key: layout.SEALING,
            layout.BY_DUE.sort_key: _order(due, timer.project),
        },
    )


def _key(project: str, of: ObjectRef | None) -> Key:
    """The prefixes of projects never overlap, so an object is of one project."""
    return layout.seal_timer(project) if of is None else layout.object_seal_timer(of.bucket, of.key, of.version_id)


def _drop(project: str, by: str, at: datetime) -> dict[str, Scalar]:
    return {
        ":schema": layout.SCHEMA_VERSION,
        ":project": project,
        ":at": time_text(at),
        ":by": by,
        ":one": 1,
    }


def _order(due: datetime, project: str) -> str:
    return f"{time_text(due)}#{project}"
