"""What happened to a run, in order, each entry bound to the one before by its hash.

Whoever holds a head (sequence and digest) can tell whether entries before it were changed, removed, moved or cut off.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from dropforge.domain.canonical import canonical, digest
from dropforge.domain.errors import DropforgeError


class TrailBrokenError(DropforgeError):
    """The entries are not those that the head was made from."""


@dataclass(frozen=True)
class TrailHead:
    """Of a run's trail: how many entries, and the digest of the last; `START` before the first."""

    sequence: int
    digest: str


START = TrailHead(0, "")


@dataclass(frozen=True)
class TrailEntry:
    """`body` is the event's document as canonical JSON text, kept as text so that no store rewrites a number in it."""

    run_id: str
    sequence: int
    previous: str
    body: str

    @cached_property
    def digest(self) -> str:
        link = {"run": self.run_id, "sequence": self.sequence, "previous": self.previous, "body": self.body}
        return digest(link)

    def document(self) -> object:
        return json.loads(self.body)


def append(run_id: str, head: TrailHead, document: object) -> tuple[TrailEntry, TrailHead]:
    """The entry that follows the head, and the head that follows the entry."""
    entry = TrailEntry(run_id, head.sequence + 1, head.digest, canonical(document).decode())
    return entry, TrailHead(entry.sequence, entry.digest)


def verify(entries: Sequence[TrailEntry], head: TrailHead) -> None:
    """TrailBrokenError at the first entry that does not follow, or when the last is not the head's."""
    last = START
    for entry in entries:
        if (entry.sequence, entry.previous) != (last.sequence + 1, last.digest):
            raise TrailBrokenError(
                f"entry {entry.sequence} of run {entry.run_id} does not follow entry {last.sequence}: "
                "an entry before it was changed, removed or moved; restore the trail table to a time before that"
            )
        last = TrailHead(entry.sequence, entry.digest)
    if last != head:
        raise TrailBrokenError(
            f"the trail ends at entry {last.sequence}, which is not entry {head.sequence} of the run's head: "
            "entries were cut off or the last was changed; restore the trail table to a time before that"
        )
