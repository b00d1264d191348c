from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from dropforge.domain.run import Run, RunStatus
from dropforge.domain.state_change import RunStateChanged, state_change_of
from dropforge.domain.state_report import StateReport
from dropforge.workflow.deliver_state import NothingToTellError, deliver_state
from dropforge.workflow.ports import SinkError
from tests.fakes.signed_world import world_with_a_run_that_trains, world_with_an_ended_run
from tests.fakes.world import World


@dataclass
class Refusing:
    """Implements `ports.Sink`."""

    name: str = "a host"

    def deliver(self, report: StateReport) -> None:
        raise SinkError(f"gone away, and never heard that it is {report.run.status.value}")


def change_of(run: Run) -> RunStateChanged:
    change = state_change_of("dropforge-test", run)
    assert change is not None
    return change


def test_a_message_that_was_overtaken_tells_how_the_run_stands_now() -> None:
    world = world_with_a_run_that_trains()
    training = change_of(world.only_run())
    ended = world.finish(world.only_run())
    deliver_state(world.ports, training)
    [report] = world.sink.told
    assert (report.change, report.run) == (training, world.run(ended.id))
    assert report.project == world.ports.stage.project("digits")


def test_who_is_told_of_a_run_that_changes_meanwhile_is_told_again() -> None:
    world = world_with_a_run_that_trains()
    run = world.only_run()
    world.sink.meanwhile = lambda: world.finish(run)
    deliver_state(world.ports, change_of(run))
    assert [report.run.status for report in world.sink.told] == [RunStatus.RUNNING, RunStatus.COMPLETED]


def test_what_leaves_the_state_as_it_was_is_not_told_again() -> None:
    world = world_with_an_ended_run()
    change = change_of(world.only_run())
    world.sink.meanwhile = world.sign
    deliver_state(world.ports, change)
    assert len(world.sink.told) == 1


def test_a_completed_run_is_told_beside_the_one_that_completed_before_it() -> None:
    world = world_with_an_ended_run()
    first = world.only_run()
    world.drop("digits/digits.csv", b"4,5,6\n")
    world.grow_quiet()
    world.dispatch()
    [second] = [run for run in world.store.runs_of_project("digits", 9) if run.id != first.id]
    deliver_state(world.ports, change_of(world.finish(second)))
    deliver_state(world.ports, change_of(replace(first, trail=replace(first.trail, sequence=first.status_sequence))))
    of_second, of_first = world.sink.told
    assert of_second.previous is not None
    assert (of_second.previous.id, of_first.previous) == (first.id, None)


def test_a_sink_that_fails_keeps_no_other_from_its_turn_and_is_told_again() -> None:
    world = world_with_an_ended_run()
    ports = replace(world.ports, sinks=(Refusing(), world.sink, Refusing("another")))
    with pytest.raises(SinkError, match=r"of run \w+ were told: a host: gone away.* COMPLETED; another: gone"):
        deliver_state(ports, change_of(world.only_run()))
    assert len(world.sink.told) == 1


def test_a_run_whose_project_was_removed_is_told_without_it() -> None:
    world = world_with_an_ended_run()
    ports = replace(world.ports, stage=replace(world.ports.stage, projects=()))
    deliver_state(ports, change_of(world.only_run()))
    assert world.sink.told[0].project is None


def test_a_change_of_a_run_that_is_not_on_record_is_kept_with_what_to_do() -> None:
    ended = world_with_an_ended_run().only_run()
    empty = World()
    with pytest.raises(NothingToTellError, match=f"no run {ended.id}.*restore the state table"):
        deliver_state(empty.ports, change_of(ended))
