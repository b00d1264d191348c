"""What the emulator's services remember is on disk before they answer; the emulator writes it when it stops.

Each request that may change something marks the services that it may change (`requests`), and the front commits them
to the journal before the answer leaves. Most services are one row, which is written whole when it changed. Three grow
and have a row a thing: tables (`tables`), queues (`queues`) and stacks (`stacks`). Objects are files, which S3 writes
when it takes them; so is the code of functions (`functions`), which is written before the row that names it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections.abc import Callable
from typing import Any

from localaws.journal import Journal
from localaws.keeping import functions, queues, requests, stacks, tables, whole
from localaws.runtime import Neighbour, Runtime

_SAVE_SECONDS, _SAVE_LATEST_SECONDS = 2.0, 30.0
_SAVE_SHARE = 50.0
"""A round of saving is followed by a pause of that many times its length: all logs are written anew in each."""


def install(runtime: Runtime) -> None:
    """Read from the journal what the emulator would read from its files, and write to it what changes."""
    journal = runtime.journal
    special: dict[str, whole.Kept] = {
        "cloudformation": stacks.Stacks(journal),
        "dynamodb": tables.Tables(journal),
        "sqs": queues.Queues(journal),
    }
    whole.install(runtime, {**special, **{name: _Own(service, journal) for name, service in runtime.services.items()}})
    functions.install()
    requests.install(runtime)


@dataclasses.dataclass(frozen=True)
class _Own:
    """One of our services, which notes each change itself, at once; see `whole.Kept`."""

    service: Neighbour
    journal: Journal

    def install(self) -> None:
        """There is nothing to take hold of."""

    def read(self) -> None:
        """There is nothing that is not noted already."""

    def load(self) -> dict[str, Any] | None:
        """Return the service's snapshot as JSON."""
        rows = self.journal.rows(self.service.name)
        return {name: json.loads(content) for name, content in rows.items()} or None


async def keep_saving(runtime: Runtime, may_write: Callable[[], bool]) -> None:
    """Commit, every few seconds, what changes without a request, or is not worth a commit of its own.

    These are logs, metrics, how far streams were read, when schedules were due. Returns once the folder may no longer
    be written to, which is asked before each round.
    """
    while may_write():
        began = time.perf_counter()
        for name in requests.used():
            runtime.journal.touch(name)
            runtime.journal.commit()
            await asyncio.sleep(0)  # requests go first
        spent = time.perf_counter() - began
        await asyncio.sleep(min(max(_SAVE_SECONDS, _SAVE_SHARE * spent), _SAVE_LATEST_SECONDS))
