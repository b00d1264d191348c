from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from dropforge.domain.artifact_layout import trail_statement_key
from dropforge.domain.run import Run
from dropforge.domain.run_events import RunRequested, event_document, event_from_document
from dropforge.domain.trail import START, TrailHead, append
from dropforge.workflow.verify_trail import recorded_runs, verify_trail
from tests.fakes.memory_signing import AUDIT_BUCKET, MemorySigner
from tests.fakes.signed_world import public_key_of, world_with_a_run_that_trains, world_with_a_signed_run
from tests.fakes.world import World


def faults_after(tamper: Callable[[World, Run], None]) -> str:
    world, run = world_with_a_signed_run()
    tamper(world, run)
    return "\n".join(verify_trail(world.ports, run.id, public_key_of(world)).faults)


def change(world: World, run: Run) -> None:
    entry = world.store.trails[run.id, 3]
    world.store.trails[run.id, 3] = replace(entry, body=entry.body.replace('"attempt":1', '"attempt":2'))


def remove(world: World, run: Run) -> None:
    del world.store.trails[run.id, 3]


def reorder(world: World, run: Run) -> None:
    trails = world.store.trails
    second, third = trails[run.id, 2], trails[run.id, 3]
    trails[run.id, 2], trails[run.id, 3] = replace(third, sequence=2), replace(second, sequence=3)


def cut_off(world: World, run: Run) -> None:
    """The last entries go, and the record's own head is made to fit: only what was signed tells."""
    for sequence in range(3, run.trail.sequence + 1):
        del world.store.trails[run.id, sequence]
    last = world.store.trails[run.id, 2]
    world.store.runs[run.id] = replace(run, trail=TrailHead(2, last.digest))


def write_anew(world: World, run: Run) -> None:
    """Somebody who knows how the chain is made writes another history, from the beginning, and its head."""
    head = START
    for sequence in range(1, run.trail.sequence + 1):
        event = event_from_document(world.store.trails[run.id, sequence].document())
        if isinstance(event, RunRequested):
            event = replace(event, requester=replace(run.requester, name="Mallory"))
        entry, head = append(run.id, head, event_document(event))
        world.store.trails[run.id, sequence] = entry
    forged = replace(run, requester=replace(run.requester, name="Mallory"), trail=head)
    world.store.runs[run.id] = forged


def improve_the_record(world: World, run: Run) -> None:
    """The trail is left alone."""
    assert run.result is not None
    better = replace(run.result, metrics={"accuracy": Decimal("1.0")})
    world.store.runs[run.id] = replace(run, result=better)


def lose_the_run(world: World, run: Run) -> None:
    del world.store.runs[run.id]
    for sequence in range(1, run.trail.sequence + 1):
        del world.store.trails[run.id, sequence]


def lose_the_signature(world: World, run: Run) -> None:
    assert run.signed is not None
    del world.statements.kept[run.signed.statement.uri]


def sign_with_another_key(world: World, run: Run) -> None:
    world.store.runs[run.id] = replace(run, signed=None)
    world.statements.kept.clear()
    world.ports = replace(world.ports, signer=MemorySigner())
    world.sign()


@pytest.mark.parametrize(
    ("tamper", "said"),
    [
        (change, "does not follow entry 3"),
        (remove, "does not follow entry 2"),
        (reorder, "does not follow entry 1"),
        (cut_off, "entries were signed and 2 are left"),
        (write_anew, "is not the one that was signed"),
        (improve_the_record, "the record's result is not what the trail says"),
        (lose_the_run, "is gone, and something of it is left"),
        (lose_the_signature, "is gone or not to be trusted"),
        (sign_with_another_key, "it is another stage's, or somebody else's"),
    ],
)
def test_whatever_somebody_does_to_a_signed_record_is_found(tamper: Callable[[World, Run], None], said: str) -> None:
    assert said in faults_after(tamper)


def test_a_record_that_nobody_touched_holds() -> None:
    world, run = world_with_a_signed_run()
    verdict = verify_trail(world.ports, run.id, public_key_of(world))
    assert not verdict.faults
    assert run.signed is not None
    assert (verdict.entries, verdict.signed) == (run.trail.sequence, run.signed.head.sequence)


def test_a_head_of_another_run_that_was_put_here_counts_for_nothing() -> None:
    world, run = world_with_a_signed_run()
    [envelope] = world.statements.trail_heads(run.id)
    world.statements.put(f"s3://{AUDIT_BUCKET}/{trail_statement_key('0' * 20, 1)}", envelope)
    faults = verify_trail(world.ports, "0" * 20, public_key_of(world)).faults
    assert faults[0] == f"a signed head is that of run {run.id} of dropforge-test: it was put here"


def test_a_statement_about_a_model_is_no_signed_head() -> None:
    world, run = world_with_a_signed_run()
    assert run.signed is not None
    assert run.signed.provenance is not None
    provenance = world.statements.read(run.signed.provenance)
    assert provenance is not None
    world.statements.put_trail_head(run.id, 1, provenance)
    [fault] = verify_trail(world.ports, run.id, public_key_of(world)).faults
    assert "this statement is a https://slsa.dev/provenance/v1" in fault


def test_a_run_that_goes_on_is_checked_by_its_own_head() -> None:
    world = world_with_a_run_that_trains()
    verdict = verify_trail(world.ports, world.only_run().id, public_key_of(world))
    assert (verdict.faults, verdict.signed) == ((), 0)
    assert verdict.note == "it goes on: runs are signed when they end"


def test_all_runs_are_those_on_record_and_those_that_only_their_signed_head_tells_of() -> None:
    world, run = world_with_a_signed_run()
    assert list(recorded_runs(world.ports, 10)) == [run.id]
    lose_the_run(world, run)
    assert list(recorded_runs(world.ports, 10)) == [run.id]


def test_a_record_that_cannot_be_read_is_a_fault_of_its_own_and_is_among_all() -> None:
    world, run = world_with_a_signed_run()
    world.store.unreadable.add(run.id)
    assert list(recorded_runs(world.ports, 10)) == [run.id]
    [fault] = verify_trail(world.ports, run.id, public_key_of(world)).faults
    assert fault.startswith(f"the record of run {run.id} cannot be read")


def test_a_trail_that_holds_something_else_than_events_is_found_though_its_chain_was_made_to_fit() -> None:
    world = world_with_a_run_that_trains()
    run, head = world.only_run(), START
    for sequence in range(1, run.trail.sequence + 1):
        document = world.store.trails[run.id, sequence].document() if sequence != 2 else {"type": "Nothing"}
        entry, head = append(run.id, head, document)
        world.store.trails[run.id, sequence] = entry
    world.store.runs[run.id] = replace(run, trail=head)
    [fault] = verify_trail(world.ports, run.id, public_key_of(world)).faults
    assert fault.startswith("entry 2 holds no event")
