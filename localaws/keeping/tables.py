"""Tables: a row for each item and each record of a stream, and one for all that describes them.

A stream's records survive stop and start, and whatever reads them goes on where it was; the emulator forgets them, yet
keeps how far they were read.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html (records are kept for 24 hours)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb

from localaws.corrections.wrapping import wrap
from localaws.journal import Journal, Row
from localaws.keeping.whole import text, value

Table = dict[str, Any]
ITEMS = "dynamodb/items"
_STREAMS = "dynamodb/streams"
_BESIDE_TABLES = (
    "tags", "ttl_settings", "pitr_settings", "kinesis_destinations", "contributor_insights", "backups",
    "resource_policies", "exports", "imports",
)  # fmt: skip
_FIRST = "first"
"""The row, beside those of a stream's records, that counts the records which are not kept any more."""
_COUNTER_DIGITS = 10
"""Of a sequence number: the emulator puts the time before its counter."""
_Scope = tuple[str, str, str]
"""Account, region and name of a table."""


class Tables:
    """Puts items as they change; see `whole.Kept`. An item that was written never changes: it is replaced."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._changed: dict[tuple[str, str, str], Table] = {}
        """Tables by their id and a key in them. A table that is made anew under its name has another id."""
        self._streams: dict[_Scope, tuple[list[Any], int, int]] = {}
        """Of each stream its records, and which of them, from and up to, are on disk."""

    def install(self) -> None:
        """Learn of each item that is written or removed."""
        self._journal.reads(ITEMS, self.read_items)
        for name in ("_set_item", "_remove_item"):
            wrap(dynamodb, name, self._item_changed)
        wrap(dynamodb, "_items_replaced", self._all_changed)
        wrap(dynamodb, "load_persisted_state", self._take_over)

    def read(self) -> None:
        """Note what describes the tables, and what changed in them."""
        tables = AccountRegionScopedDict()
        for scope, table in dynamodb._tables.all_items():
            described = {name: table[name] for name in table if name not in {"items", dynamodb._INDEX_MEMBERS}}
            tables.set_scoped(*scope, described)
        content = text({"tables": tables, **{name: getattr(dynamodb, f"_{name}") for name in _BESIDE_TABLES}})
        self._journal.note("dynamodb", [Row("", hash(content), lambda: content)])
        self.read_items()

    def read_items(self) -> None:
        """Put the items that changed, and the records that streams have now."""
        while self._changed:
            (table_id, partition, sort), table = self._changed.popitem()
            item = table["items"].get(partition, {}).get(sort)
            key = json.dumps((table_id, partition, sort))
            self._journal.put(ITEMS, key, None if item is None else json.dumps(item))
        streams = dict(dynamodb._stream_records.all_items())
        for scope in streams.keys() | self._streams.keys():
            self._put_stream(scope, streams.get(scope, []))

    def load(self) -> dict[str, Any] | None:
        """Return the tables with their items; `_take_over` adds the streams."""
        described = self._journal.rows("dynamodb")
        if not described:
            return None
        state: dict[str, Any] = value(described[""])
        tables = {table["TableId"]: table for table in state["tables"].all_values()}
        for table in tables.values():
            table["items"] = {}
        for key, content in self._journal.rows(ITEMS).items():
            table_id, partition, sort = json.loads(key)
            if table_id in tables:
                tables[table_id]["items"].setdefault(partition, {})[sort] = json.loads(content)
            else:  # deleted with the table
                self._journal.put(ITEMS, key, None)
        return state

    def _take_over(self, original: Callable[[Any], None], state: Any) -> None:
        original(state)
        for table in dynamodb._tables.all_values():
            dynamodb._update_counts(table)
        for key, content in self._journal.rows(_STREAMS).items():
            account, region, name, number = json.loads(key)
            self._take_over_record((account, region, name), number, json.loads(content))
        for scope, (records, first, _) in self._streams.items():
            dynamodb._stream_records.set_scoped(*scope, records)
            dynamodb._stream_trimmed.set_scoped(*scope, first)
            self._streams[scope] = (records, first, first + len(records))
            latest = [int(record["dynamodb"]["SequenceNumber"][-_COUNTER_DIGITS:]) for record in records]
            dynamodb._stream_seq_counter = max([dynamodb._stream_seq_counter, *latest])

    def _take_over_record(self, scope: _Scope, number: str, content: Any) -> None:
        records, first, _ = self._streams.get(scope, ([], 0, 0))
        if number == _FIRST:
            first = content
        else:
            records.append(content)
        self._streams[scope] = (records, first, 0)

    def _item_changed(self, original: Callable[..., Any], table: Table, partition: str, sort: str, *item: Any) -> Any:
        before = original(table, partition, sort, *item)
        self._changed[table["TableId"], partition, sort] = table
        return before

    def _all_changed(self, original: Callable[[Table], None], table: Table) -> None:
        original(table)
        for partition, items in table["items"].items():
            self._changed.update({(table["TableId"], partition, sort): table for sort in items})

    def _put_stream(self, scope: _Scope, records: list[Any]) -> None:
        """Put the records that came, and remove those that are over a day old or of a stream that was closed."""
        before, first, end = self._streams.get(scope, (records, 0, 0))
        trimmed = dynamodb._stream_trimmed.get_scoped(*scope, 0)
        if first != trimmed:
            self._journal.put(_STREAMS, _record_key(scope, _FIRST), json.dumps(trimmed))
        if before is records:
            self._remove_records(scope, range(first, trimmed))
        else:
            self._remove_records(scope, range(first, end))
            end = trimmed
        for number in range(max(end, trimmed), trimmed + len(records)):
            record = json.dumps(records[number - trimmed])
            self._journal.put(_STREAMS, _record_key(scope, f"{number:012d}"), record)
        self._streams[scope] = (records, trimmed, trimmed + len(records))

    def _remove_records(self, scope: _Scope, numbers: range) -> None:
        for number in numbers:
            self._journal.put(_STREAMS, _record_key(scope, f"{number:012d}"), None)


def _record_key(scope: _Scope, number: str) -> str:
    return json.dumps((*scope, number))
