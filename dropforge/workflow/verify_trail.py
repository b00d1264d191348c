"""Find out whether a run's trail is what was once written, and its record what the trail adds up to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

from dropforge.domain.errors import DropforgeError, InvalidDocumentError
from dropforge.domain.run import Run
from dropforge.domain.run_events import event_from_document
from dropforge.domain.statement import TrailStatement
from dropforge.domain.trail import TrailEntry, verify
from dropforge.domain.transition import transition
from dropforge.workflow.ports import Ports, PublicKey
from dropforge.workflow.signed_payload import signed_payload

READINGS = 5


class MovingRunError(DropforgeError):
    """The run is being recorded faster than it can be read."""


@dataclass(frozen=True)
class TrailVerdict:
    """Of one run: how many entries its trail has, how many of these a signature covers, and what is wrong with them.

    `note` says why no signature covers the run's end, where that is no fault.
    """

    run: str
    entries: int
    signed: int
    faults: tuple[str, ...]
    note: str = ""


def verify_trail(ports: Ports, run_id: str, key: PublicKey) -> TrailVerdict:
    """Check the chain, each signed head, and that the record is what the trail's events add up to."""
    try:
        run, entries = _read(ports, run_id)
    except InvalidDocumentError as error:
        return TrailVerdict(run_id, 0, 0, (f"the record of run {run_id} cannot be read: {error}",))
    statements, faults = _statements(ports, run_id, key)
    faults += _chain_faults(run_id, run, entries)
    faults += [fault for each in statements for fault in _head_faults(each, entries)]
    if run is not None:
        faults += _record_faults(run, entries) if not faults else []
        faults += _missing_statement(run, statements)
    signed = max((each.trail.sequence for each in statements), default=0)
    return TrailVerdict(run_id, len(entries), signed, tuple(faults), _note(run, signed))


def recorded_runs(ports: Ports, limit: int) -> Iterator[str]:
    """Every run of which a record or a signed head exists, the latest `limit` of each project's records at most."""
    told = set()
    for project in ports.stage.projects:
        readable = [run.id for run in ports.store.runs_of_project(project.name, limit)]
        for run_id in (*readable, *(ref.id for ref in ports.store.unreadable_runs(project.name, limit))):
            told.add(run_id)
            yield run_id
    yield from (run_id for run_id in ports.statements.runs_with_trail_heads() if run_id not in told)


def _read(ports: Ports, run_id: str) -> tuple[Run | None, Sequence[TrailEntry]]:
    """Run and trail of one moment: an entry that is appended between the two readings is no fault."""
    for _ in range(READINGS):
        run, entries = ports.store.run(run_id), ports.store.trail(run_id)
        after = ports.store.run(run_id)
        if (run and run.trail) == (after and after.trail):
            return run, entries
    raise MovingRunError(f"run {run_id} changes while it is read: try again in a minute")


def _statements(ports: Ports, run_id: str, key: PublicKey) -> tuple[list[TrailStatement], list[str]]:
    """The signed heads that can be trusted, and what is wrong with the others."""
    trusted, faults = [], []
    for envelope in ports.statements.trail_heads(run_id):
        try:
            statement = TrailStatement.from_payload(signed_payload(envelope, key))
        except DropforgeError as error:
            faults.append(f"a signed head cannot be trusted: {error}")
            continue
        if (statement.run, statement.deployment) != (run_id, ports.stage.deployment):
            faults.append(f"a signed head is that of run {statement.run} of {statement.deployment}: it was put here")
            continue
        trusted.append(statement)
    return trusted, faults


def _chain_faults(run_id: str, run: Run | None, entries: Sequence[TrailEntry]) -> list[str]:
    if run is None:
        return [f"the record of run {run_id} is gone, and something of it is left: restore the state table"]
    try:
        verify(entries, run.trail)
    except DropforgeError as error:
        return [str(error)]
    return []


def _head_faults(statement: TrailStatement, entries: Sequence[TrailEntry]) -> list[str]:
    signed = statement.trail
    if len(entries) < signed.sequence:
        return [f"{signed.sequence} entries were signed and {len(entries)} are left: some were removed or cut off"]
    if entries[signed.sequence - 1].digest != signed.digest:
        told = f"entry {signed.sequence} is not the one that was signed"
        return [f"{told}: it, or one before it, was changed, removed or moved since"]
    return []


def _record_faults(run: Run, entries: Sequence[TrailEntry]) -> list[str]:
    """The run is its events: whoever writes into the record alone is found by playing them again."""
    played: Run | None = None
    for entry in entries:
        try:
            event = event_from_document(entry.document())
        except InvalidDocumentError as error:
            return [f"entry {entry.sequence} holds no event: {error}"]
        change = transition(played, event)
        if change is None:
            return [f"entry {entry.sequence} changes nothing, and would never have been written"]
        played = change.run
    if played is not None and not run.status_sequence:
        played = replace(played, status_sequence=0)  # of a record of the first release, which does not say
    names = [each.name for each in fields(Run) if getattr(played, each.name) != getattr(run, each.name)]
    return [f"the record's {name} is not what the trail says: it was changed beside the trail" for name in names]


def _missing_statement(run: Run, statements: Sequence[TrailStatement]) -> list[str]:
    if run.signed is None or run.signed.head in [each.trail for each in statements]:
        return []
    return [f"the record names {run.signed.statement.uri} as its signed head, and that is gone or not to be trusted"]


def _note(run: Run | None, signed: int) -> str:
    if run is None or signed:
        return ""
    if run.awaits_signature:
        return "it has ended and is about to be signed"
    return "it ended before runs were signed" if run.status.is_terminal else "it goes on: runs are signed when they end"
