"""When each project's data is next sealed. A timer's item is never deleted, so that its revision never goes back."""

from __future__ import annotations

from datetime import datetime

from dropforge.adapters import table_layout as layout
from dropforge.adapters.dynamodb.items import Item
from dropforge.adapters.dynamodb.tables import Question, Tables
from dropforge.domain.encoding import time_text
from dropforge.domain.head import SealTimer


class DynamoSealTimers:
    """Implements `ports.SealTimers`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def touch_seal(self, project: str, by: str, at: datetime, due: datetime) -> SealTimer:
        after = self._tables.update(
            layout.seal_timer(project),
            "SET #schema = :schema, #project = :project, #last_drop_at = :at, #last_drop_by = :by, "
            "#due = :due, #due_pk = :sealing, #due_sk = :order ADD #revision :one",
            {
                ":schema": layout.SCHEMA_VERSION,
                ":project": project,
                ":at": time_text(at),
                ":by": by,
                ":due": time_text(due),
                ":sealing": layout.SEALING,
                ":order": f"{time_text(due)}#{project}",
                ":one": 1,
            },
        )
        return timer_in(after or {})

    def seal_timer(self, project: str) -> SealTimer | None:
        found = self._tables.get(layout.seal_timer(project))
        return None if found is None else timer_in(found)

    def clear_seal(self, project: str, revision: int) -> bool:
        after = self._tables.update(
            layout.seal_timer(project),
            "REMOVE #due, #due_pk, #due_sk",
            {":revision": revision},
            "#revision = :revision",
        )
        return after is not None

    def due_seals(self, due_by: datetime) -> tuple[SealTimer, ...]:
        question = Question(layout.SEALING, layout.BY_DUE, "#due_sk < :until", {":until": f"{time_text(due_by)}$"})
        return tuple(timer_in(found) for found in self._tables.query(question))


def timer_in(found: Item) -> SealTimer:
    due = found.get("due")
    return SealTimer(
        project=str(found["project"]),
        revision=int(found["revision"]),
        last_drop_at=datetime.fromisoformat(str(found["last_drop_at"])),
        last_drop_by=str(found["last_drop_by"]),
        due=None if due is None else datetime.fromisoformat(str(due)),
    )
