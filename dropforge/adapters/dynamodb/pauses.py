"""Who has paused a project, or the stage."""

from __future__ import annotations

from dropforge.adapters import table_layout as layout
from dropforge.adapters.dynamodb.items import item, text_of, value_of
from dropforge.adapters.dynamodb.tables import Tables
from dropforge.domain.head import Pause


class DynamoPauses:
    """Implements `ports.Pauses`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def pause(self, project: str | None) -> Pause | None:
        found = self._tables.get(layout.pause(project))
        return value_of(Pause, found["document"]) if found is not None and "document" in found else None

    def set_pause(self, pause: Pause) -> None:
        self._tables.put(item(layout.pause(pause.project), {"document": text_of(pause)}))

    def clear_pause(self, project: str | None) -> None:
        self._tables.take_out(layout.pause(project), "document")
