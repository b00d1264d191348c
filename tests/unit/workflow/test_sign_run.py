from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from dropforge.domain.run import Run, RunStatus
from dropforge.domain.run_events import RunSigned, event_from_document
from dropforge.domain.statement import ModelProvenance, TrailStatement
from dropforge.domain.trail import TrailBrokenError
from dropforge.domain.training_job import JobStatus
from dropforge.workflow.retry_run import retry_run
from dropforge.workflow.sign_run import NothingToSignError, sign_run
from dropforge.workflow.signed_payload import signed_payload
from dropforge.workflow.sweep import sweep
from tests.fakes.interruption import CutOff, Interruption, interrupted
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.signed_world import public_key_of, world_with_a_run_that_trains, world_with_an_ended_run
from tests.fakes.world import World

FAILED = JobEnd(JobStatus.FAILED, "Failed", model=None, failure_reason="AlgorithmError: exit code 1")


@pytest.fixture
def world() -> World:
    return world_with_an_ended_run()


def test_what_is_signed_of_a_completed_run_says_where_its_model_comes_from(world: World) -> None:
    run = sign_run(world.ports, world.only_run().id)
    assert run.result is not None
    assert run.result.model is not None
    envelope = world.statements.beside(run.result.model.uri)
    assert envelope is not None
    said = ModelProvenance.from_payload(signed_payload(envelope, public_key_of(world)))
    assert said == ModelProvenance.of(run, said.trail, world.signer.name, "dropforge-test", "example/digits")
    assert (said.run, said.commit, said.dataset_version) == (run.id, run.image.commit, run.dataset.version)


def test_the_signed_head_is_the_trails_when_the_run_had_ended(world: World) -> None:
    ended = world.only_run()
    sign_run(world.ports, ended.id)
    [envelope] = world.statements.trail_heads(ended.id)
    said = TrailStatement.from_payload(signed_payload(envelope, public_key_of(world)))
    assert (said.trail, said.status, said.project) == (ended.trail, RunStatus.COMPLETED, "digits")


def test_a_signature_is_on_record_and_ends_the_wait_for_it(world: World) -> None:
    run = sign_run(world.ports, world.only_run().id)
    assert not run.awaits_signature
    assert not list(world.store.unsigned_runs())
    assert isinstance(event_from_document(world.store.trail(run.id)[-1].document()), RunSigned)


def test_a_run_is_signed_once_however_often_its_end_is_told(world: World) -> None:
    first = sign_run(world.ports, world.only_run().id)
    assert sign_run(world.ports, first.id) == first
    assert len(world.statements.trail_heads(first.id)) == 1


def test_a_run_that_goes_on_is_not_signed() -> None:
    world = world_with_a_run_that_trains()
    assert sign_run(world.ports, world.only_run().id).signed is None
    assert not world.statements.kept


def test_a_failed_run_has_its_trail_signed_and_a_retry_has_its_end_signed_anew() -> None:
    world = world_with_an_ended_run(end=FAILED)
    first = sign_run(world.ports, world.only_run().id)
    assert first.signed is not None
    assert first.signed.provenance is None
    retry_run(world.ports, first.id, "ada")
    world.dispatch()
    second = world.finish(world.only_run())
    assert second.awaits_signature
    signed = sign_run(world.ports, second.id).signed
    assert signed is not None
    assert signed.provenance is not None
    assert len(world.statements.trail_heads(first.id)) == 2


def test_a_model_without_a_known_hash_has_no_statement_and_its_trail_has_one(world: World) -> None:
    run = world.only_run()
    assert run.result is not None
    assert run.result.model is not None
    unhashed = replace(run, result=replace(run.result, model=replace(run.result.model, sha256=None)))
    world.store.runs[run.id] = unhashed
    signed = sign_run(world.ports, run.id).signed
    assert signed is not None
    assert signed.provenance is None


def test_a_trail_that_is_not_what_its_head_says_is_never_signed(world: World) -> None:
    run = world.only_run()
    entry = world.store.trails[run.id, 2]
    world.store.trails[run.id, 2] = replace(entry, body=entry.body.replace("dropforge", "someone"))
    with pytest.raises(TrailBrokenError):
        sign_run(world.ports, run.id)
    assert not world.statements.kept


def test_the_signature_of_an_unknown_run_says_what_to_do(world: World) -> None:
    with pytest.raises(NothingToSignError, match="restore the state table"):
        sign_run(world.ports, "0" * 20)


def test_a_run_whose_end_nobody_told_of_is_found_by_the_sweep(world: World) -> None:
    run = world.only_run()
    sweep(world.ports)
    assert world.wakeups.signatures == [run.id]
    world.sign()
    sweep(world.ports)
    assert world.wakeups.signatures == [run.id]


@pytest.mark.parametrize("after", [False, True], ids=["before its effect", "after its effect"])
def test_cut_off_anywhere_it_is_signed_by_the_next_delivery(after: bool) -> None:
    for at in count():
        world, interruption = world_with_an_ended_run(), Interruption(at, after)
        run_id = world.only_run().id
        try:
            sign_run(interrupted(world.ports, interruption), run_id)
        except CutOff:
            sign_run(world.ports, run_id)
        if not interruption.happened:
            assert at > 5
            break
        run: Run = world.run(run_id)
        assert run.signed is not None
        assert run.signed.provenance is not None
        assert world.statements.read(run.signed.statement) is not None
        events = [event_from_document(entry.document()) for entry in world.store.trail(run_id)]
        assert len([event for event in events if isinstance(event, RunSigned)]) == 1
