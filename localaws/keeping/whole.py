"""Services that are kept as one row each, and how the emulator gets at any service's rows."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ministack import app as emulator
from ministack.core import persistence

from localaws.corrections.wrapping import wrap
from localaws.journal import Journal, Row
from localaws.runtime import Runtime

State = dict[str, Any]


class Kept(Protocol):
    """A service that is kept in rows of its own."""

    def install(self) -> None:
        """Take hold of the emulator."""

    def read(self) -> None:
        """Put or note what the service remembers."""

    def load(self) -> State | None:
        """Return what the service's own `load_persisted_state` takes; None where nothing is kept."""


def install(runtime: Runtime, special: Mapping[str, Kept]) -> None:
    """Put the journal where the emulator has a file a service."""
    journal = runtime.journal
    for name in emulator._state_map:
        journal.reads(name, functools.partial(_read, journal, name))
    for name, kept in special.items():
        kept.install()
        journal.reads(name, kept.read)

    def load(original: Callable[[str], State | None], name: str) -> State | None:
        del original
        return special[name].load() if name in special else _load(journal, name)

    def save_all(original: Callable[..., None], services: Mapping[str, Any]) -> None:
        del original
        journal.touch(*services)
        journal.commit()

    wrap(emulator, "load_state", load)
    wrap(emulator, "save_all", save_all)


def text(value: Any) -> str:
    """Return a state as JSON, with the emulator's own tags for what JSON has not."""
    return json.dumps(value, default=persistence._json_default)


def value(content: str) -> Any:
    """Undo `text`."""
    return json.loads(content, object_hook=persistence._json_object_hook)


def _read(journal: Journal, name: str) -> None:
    get_state = emulator._build_persistence_save_dict().get(name)
    state = get_state() if get_state else None
    if state is not None:
        content = text(state)
        journal.note(name, [Row("", hash(content), lambda: content)])


def _load(journal: Journal, name: str) -> State | None:
    rows = journal.rows(name)
    state: State | None = value(rows[""]) if rows else None
    return state
