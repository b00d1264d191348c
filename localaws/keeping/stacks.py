"""CloudFormation's stacks, their events and change sets: a row each.

A deployment asks for a commit several times a stack, and all stacks with their templates are megabytes: of these only
what changed is written, and nothing is copied to find that out.
"""

from __future__ import annotations

import functools
import json
import pickle
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import cloudformation

from localaws.journal import Journal, Row
from localaws.keeping.whole import text, value

_SPACE = "cloudformation"


class Stacks:
    """Notes each entry of each of CloudFormation's stores; see `whole.Kept`."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def install(self) -> None:
        """There is nothing to take hold of."""

    def read(self) -> None:
        """Note every stack, event list, export and change set."""
        entries = ((name, *entry) for store, name in cloudformation._PERSISTED_STORES for entry in store().all_items())
        self._journal.note(_SPACE, [_row(name, scope, entry) for name, scope, entry in entries])

    def load(self) -> dict[str, Any] | None:
        """Return the stores, their entries in the order of their names."""
        stores: dict[str, Any] = {name: AccountRegionScopedDict() for _, name in cloudformation._PERSISTED_STORES}
        rows = self._journal.rows(_SPACE)
        for place, content in rows.items():
            name, *scope = json.loads(place)
            stores[name].set_scoped(*scope, value(content))
        return stores if rows else None


def _row(name: str, scope: tuple[str, str, str], entry: Any) -> Row:
    # pickled and not as text: equal bytes mean an equal entry, in a third of the time
    mark = hash(pickle.dumps(entry, pickle.HIGHEST_PROTOCOL))
    return Row(json.dumps((name, *scope)), mark, functools.partial(text, entry))
