"""A table's stream survives stop and start; the emulator forgets its records, yet keeps how far they were read.

Without them, whatever reads the stream waits after a start until as many new records have come as there were before.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html (records are kept for 24 hours)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb

from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime

State = dict[str, Any]


def install(runtime: Runtime) -> None:
    """Persist each stream's records, and how many went before them, with the tables."""
    del runtime
    wrap(dynamodb, "get_state", _with_streams)
    wrap(dynamodb, "load_persisted_state", _take_over)


def _with_streams(original: Callable[[], State]) -> State:
    records = AccountRegionScopedDict()
    for (account, region, table), stream in dynamodb._stream_records.all_items():
        records.set_scoped(account, region, table, list(stream))  # a record that was written never changes
    trimmed = AccountRegionScopedDict()
    trimmed.update(dynamodb._stream_trimmed)
    return {
        **original(),
        "stream_records": records,
        "stream_trimmed": trimmed,
        "stream_sequence": dynamodb._stream_seq_counter,
    }


def _take_over(original: Callable[[State], None], state: State) -> None:
    original(state)
    dynamodb._stream_records.update(state.get("stream_records", {}))
    dynamodb._stream_trimmed.update(state.get("stream_trimmed", {}))
    dynamodb._stream_seq_counter = max(dynamodb._stream_seq_counter, state.get("stream_sequence", 0))
