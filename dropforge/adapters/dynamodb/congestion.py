"""What the dispatcher remembers of AWS having had no room: a note for each instance type, and one for every type."""

from __future__ import annotations

from dropforge.adapters import table_layout as layout
from dropforge.adapters.dynamodb.items import item, text_of, value_of
from dropforge.adapters.dynamodb.tables import Question, Tables
from dropforge.domain.congestion import Congestion


class DynamoCongestion:
    """Implements `ports.CongestionNotes`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def congestion(self) -> tuple[Congestion, ...]:
        found = self._tables.query(Question(layout.CONGESTION))
        return tuple(value_of(Congestion, each["document"]) for each in found if "document" in each)

    def note_congestion(self, congestion: Congestion) -> None:
        self._tables.put(item(layout.congestion(congestion.scope), {"document": text_of(congestion)}))

    def forget_congestion(self, scope: str) -> None:
        self._tables.take_out(layout.congestion(scope), "document")
