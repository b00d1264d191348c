from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropforge.domain.trail import START, TrailBrokenError, TrailEntry, TrailHead, append, verify

Entries = list[TrailEntry]


def trail_of(length: int, run_id: str = "r1") -> tuple[Entries, TrailHead]:
    entries, head = [], START
    for number in range(length):
        entry, head = append(run_id, head, {"number": number})
        entries.append(entry)
    return entries, head


def test_the_published_vector() -> None:
    entry, head = append("r1", START, {"type": "RunRequested"})
    assert entry.body == '{"type":"RunRequested"}'
    assert head == TrailHead(1, "sha256:76f02dab6c4cede9a752de0005a6e2a4ee3a89c447804308e6e690d829bce2c1")


def test_an_untouched_trail_verifies() -> None:
    entries, head = trail_of(5)
    verify(entries, head)


def test_an_empty_trail_belongs_to_the_first_head() -> None:
    verify([], START)


TAMPERINGS: dict[str, Callable[[Entries, int], Entries]] = {
    "changed": lambda entries, at: [*entries[:at], replace(entries[at], body='{"number":99}'), *entries[at + 1 :]],
    "removed": lambda entries, at: [*entries[:at], *entries[at + 1 :]],
    "repeated": lambda entries, at: [*entries[:at], entries[at], *entries[at:]],
    "cut off": lambda entries, at: entries[:at],
    "moved": lambda entries, at: [*entries[:at], *entries[at + 1 :], entries[at]] if at < 4 else entries[::-1],
    "taken from another run": lambda entries, at: [*entries[:at], trail_of(5, "r2")[0][at], *entries[at + 1 :]],
    "renumbered": lambda entries, at: [*entries[:at], replace(entries[at], sequence=9), *entries[at + 1 :]],
}


@pytest.mark.parametrize("tampering", TAMPERINGS)
@given(at=st.integers(0, 4))
def test_tampering_is_found_wherever_it_happens(tampering: str, at: int) -> None:
    entries, head = trail_of(5)
    with pytest.raises(TrailBrokenError, match="restore"):
        verify(TAMPERINGS[tampering](entries, at), head)


def test_an_entry_that_was_added_is_found() -> None:
    entries, head = trail_of(5)
    added, _ = append("r1", head, {"number": 5})
    with pytest.raises(TrailBrokenError):
        verify([*entries, added], head)
