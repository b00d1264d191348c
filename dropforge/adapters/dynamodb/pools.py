"""What pinned keys are bound to, and which pool of a channel is the current one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from dropforge.adapters import table_layout as layout
from dropforge.adapters.dynamodb.items import Item, Scalar, item, text_of, value_of
from dropforge.adapters.dynamodb.tables import ABSENT, Tables
from dropforge.domain.batching import batched
from dropforge.domain.dataset import Checksum, ListedObject
from dropforge.domain.pinning import Binding, Pin, fits
from dropforge.workflow.ports import ConflictError

_AT_ONCE: Final = 100
"""Items of one transaction: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html"""
_TRIES: Final = 8


class DynamoPools:
    """Implements `ports.Pools`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def pool(self, project: str, channel: str) -> int:
        found = self._tables.get(layout.pool(project, channel))
        return 0 if found is None else int(found["number"])

    def next_pool(self, project: str, channel: str, after: int) -> int:
        self._tables.update(
            layout.pool(project, channel),
            "SET #schema = :schema, #number = :next",
            {":schema": layout.SCHEMA_VERSION, ":next": after + 1, ":after": after},
            "#number = :after" if after else "attribute_not_exists(#number) OR #number = :after",
        )
        return self.pool(project, channel)

    def bind(self, pins: Sequence[Pin]) -> Mapping[str, Binding]:
        """Others may bind at the same moment: whose transaction loses looks again."""
        for _ in range(_TRIES):
            bound = self._bindings(pins)
            free = [pin for pin in pins if pin.to_key not in bound]
            if not free or not fits(pins, bound):
                return bound
            try:
                for some in batched(free, _AT_ONCE):
                    self._tables.transact([self._tables.put_write(binding_item(pin), ABSENT) for pin in some])
            except ConflictError:
                continue
            return {**bound, **{pin.to_key: Binding(pin.listed) for pin in free}}
        raise ConflictError("Others bound the same names eight times in a row: it will be tried again by itself.")

    def record_copies(self, copies: Sequence[tuple[Pin, Checksum]]) -> None:
        """Without a condition: a binding never changes, and the checksum of its bytes neither."""
        self._tables.put_all(binding_item(pin, checksum) for pin, checksum in copies)

    def _bindings(self, pins: Sequence[Pin]) -> dict[str, Binding]:
        found = self._tables.get_all(layout.pinned(pin.to_key) for pin in pins)
        return {str(each["key"]): binding_in(each) for each in found}


def binding_item(pin: Pin, checksum: Checksum | None = None) -> dict[str, Scalar]:
    known = None if checksum is None else text_of(checksum)
    return item(layout.pinned(pin.to_key), {"key": pin.to_key, "object": text_of(pin.listed), "checksum": known})


def binding_in(found: Item) -> Binding:
    known = found.get("checksum")
    return Binding(value_of(ListedObject, found["object"]), None if known is None else value_of(Checksum, known))
