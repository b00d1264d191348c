"""What the state table's stream says: an announcement waits to be sent, or a run has changed.

https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dropforge.adapters import table_layout as layout
from dropforge.adapters.dynamodb.announcement_items import announcement_in
from dropforge.adapters.dynamodb.items import decoded
from dropforge.adapters.dynamodb.runs import run_in
from dropforge.adapters.events.members import optional
from dropforge.domain.announcement import AnnouncementKey
from dropforge.domain.run import Run


def announcement_to_send_in(record: Mapping[str, Any]) -> AnnouncementKey | None:
    """The key of a new PENDING announcement; None for any other change (a lease, a mark as sent, another item)."""
    image = optional(record, "dynamodb", "NewImage") or {}
    if record.get("eventName") != "INSERT" or optional(image, layout.BY_DUE.partition_key, "S") != layout.PENDING:
        return None
    return announcement_in(decoded(image)).key


def run_in_record(record: Mapping[str, Any]) -> Run | None:
    """The run as it was written; None for any other item, and for a removal."""
    image = optional(record, "dynamodb", "NewImage") or {}
    return run_in(decoded(image)) if optional(image, layout.SORT_KEY, "S") == layout.RUN else None
