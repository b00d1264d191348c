"""Our own event, as it comes back from EventBridge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from dropforge.adapters.events.members import EventError, parsed, required
from dropforge.domain.encoding import decode
from dropforge.domain.errors import InvalidDocumentError
from dropforge.domain.state_change import RunStateChanged

_MEMBERS = frozenset(field.name for field in fields(RunStateChanged))


def state_change_in(body: str) -> RunStateChanged:
    """What a newer release added to the event is left aside. EventError."""
    detail = required(parsed(body), "detail")
    if not isinstance(detail, Mapping):
        raise EventError("The event's detail is no object; look at who sends to this queue.")
    try:
        return decode(RunStateChanged, {name: member for name, member in detail.items() if name in _MEMBERS})
    except InvalidDocumentError as fault:
        raise EventError(f"The event is not one of ours: {fault}; look at who sends to this queue.") from fault
