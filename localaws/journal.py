"""What services remember, in one SQLite file: on disk before an answer says so.

A commit is one transaction, so that what is read after a crash is what the services remembered at one moment. It is
written without waiting for the disk (`synchronous=NORMAL`, https://www.sqlite.org/wal.html): a killed process loses
nothing, a machine without power may lose the last commits, but never the order or half of one.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SCHEMA = "CREATE TABLE IF NOT EXISTS kept (space TEXT, key TEXT, content TEXT, PRIMARY KEY (space, key)) WITHOUT ROWID"
_WRITE = "INSERT INTO kept VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET content = excluded.content"
_ATTEMPTS = 10
_UNKNOWN = object()
"""The mark of a row that was read from disk."""


class JournalError(Exception):
    """What changed could not be written down; the message says what to do."""


@dataclass(frozen=True)
class Row:
    """One thing that a service remembers. While its mark is equal to the last one, its text is not asked for."""

    key: str
    mark: Any
    text: Callable[[], str]


class Journal:
    """Rows by space (a service, or a part of one) and key. `put`, `note` and `touch` may be called on any thread."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it; raise JournalError where that cannot be done."""
        self._path = path
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            for statement in ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=NORMAL", _SCHEMA):
                self._connection.execute(statement)
        except sqlite3.Error as error:
            raise JournalError(
                f"{path} cannot be used ({error}): free some space if the disk is full; else take another --home, or "
                "delete this one and deploy again."
            ) from error
        self._lock, self._committing = threading.Lock(), threading.RLock()
        self._pending: dict[tuple[str, str], str | None] = {}
        self._marks: dict[str, dict[str, Any]] = {}
        self._readers: dict[str, Callable[[], None]] = {}
        self._touched: set[str] = set()

    def put(self, space: str, key: str, text: str | None) -> None:
        """Write a row with the next commit; None removes it."""
        with self._lock:
            self._pending[space, key] = text

    def note(self, space: str, rows: Iterable[Row]) -> None:
        """Write, with the next commit, what changed in a space of which these are all the rows."""
        listed = list(rows)  # whoever lists may need a lock of their own
        with self._lock:
            before, now = self._marks.get(space, {}), dict[str, Any]()
            for row in listed:
                now[row.key] = row.mark
                if row.key not in before or before[row.key] != row.mark:
                    self._pending[space, row.key] = row.text()
            self._pending.update({(space, key): None for key in before.keys() - now.keys()})
            self._marks[space] = now

    def reads(self, name: str, reader: Callable[[], None]) -> None:
        """Have `reader` put or note what a service remembers, at the first commit after each `touch` of its name."""
        self._readers[name] = reader

    def touch(self, *names: str) -> None:
        """Say that what these services remember may have changed."""
        self._touched.update(names)

    def commit(self) -> None:
        """Write all that changed; raise JournalError where there is no room. Readers run on this thread."""
        if not self._touched and not self._pending:
            return
        with self._committing:
            while self._touched:
                self._read(self._touched.pop())
            with self._lock:
                pending, self._pending = self._pending, {}
            try:
                self._write(pending)
            except sqlite3.Error as error:
                with self._lock:
                    self._pending = pending | self._pending
                raise JournalError(f"{self._path} cannot be written ({error}): free some space.") from error

    def rows(self, space: str) -> Mapping[str, str]:
        """Return what is on disk of a space, in the order of its keys; called once a space, before anything changes."""
        select = "SELECT key, content FROM kept WHERE space = ? ORDER BY key"
        found = dict(self._connection.execute(select, (space,)).fetchall())
        self._marks[space] = dict.fromkeys(found, _UNKNOWN)
        return found

    def clear(self) -> None:
        """Forget everything."""
        with self._committing, self._lock:
            self._pending, self._marks = {}, {}
            self._connection.execute("DELETE FROM kept")

    def _read(self, name: str) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                self._readers[name]()
            except RuntimeError:  # a dictionary grew while it was read: another thread is provisioning a stack
                if attempt == _ATTEMPTS - 1:
                    self._touched.add(name)
                    raise
            else:
                return

    def _write(self, pending: Mapping[tuple[str, str], str | None]) -> None:
        written = [(space, key, text) for (space, key), text in pending.items() if text is not None]
        gone = [place for place, text in pending.items() if text is None]
        self._connection.execute("BEGIN")
        try:
            self._connection.executemany("DELETE FROM kept WHERE space = ? AND key = ?", gone)
            self._connection.executemany(_WRITE, written)
            self._connection.execute("COMMIT")
        except sqlite3.Error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
