from __future__ import annotations

import pytest

from dropforge.domain.announcement import Outcome
from dropforge.domain.run import Requester, RequesterKind, Run, RunStatus
from dropforge.domain.run_events import RunEvent, RunHeld, RunReleased
from dropforge.workflow.ports import ConflictError
from dropforge.workflow.recording import record
from tests.fakes.memory_store import MemoryStore
from tests.fakes.specimens import requested
from tests.fakes.world import START

HELD = RunHeld(START, Outcome.HELD, "too large", "make it smaller")


class ContestedStore(MemoryStore):
    """Somebody else always writes just before."""

    def commit(self, before: Run | None, event: RunEvent) -> Run:
        if before is not None:
            raise ConflictError(f"somebody else was first, before {type(event).__name__}")
        return super().commit(before, event)


def test_an_event_is_recorded_upon_what_others_wrote_meanwhile() -> None:
    store = MemoryStore()
    stale = store.commit(None, requested())
    store.commit(stale, HELD)
    released = record(store, stale, RunReleased(START, Requester(RequesterKind.USER, "ops")))
    assert released.status is RunStatus.WAITING
    assert [entry.sequence for entry in store.trail(stale.id)] == [1, 2, 3]


def test_an_event_that_came_too_late_is_not_written() -> None:
    store = MemoryStore()
    stale = store.commit(None, requested())
    held = store.commit(stale, HELD)
    assert record(store, stale, HELD) == held
    assert len(store.trail(stale.id)) == 2


def test_who_is_never_first_gives_the_message_back() -> None:
    store = ContestedStore()
    run = store.commit(None, requested())
    with pytest.raises(ConflictError, match="tried again by itself"):
        record(store, run, HELD)
