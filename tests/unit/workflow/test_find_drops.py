"""A drop that no event told of reaches its run, whatever befalls the sweep that finds it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import count

import pytest

from dropforge.domain.project import SealMode, SealPolicy
from dropforge.workflow.seal_dataset import seal_dataset, wake_due_seals
from dropforge.workflow.sweep import sweep
from tests.fakes.interruption import CutOff, Interruption, interrupted
from tests.fakes.world import DIGITS, World, stage_of


def unheard_of(mode: SealMode) -> World:
    """An object was dropped, with a marker where one seals, and no event told of either."""
    world = World(stage_of(replace(DIGITS, seal=SealPolicy(mode, quiet_seconds=60))))
    world.push()
    world.bucket.put("digits/a", b"unheard of")
    if mode is SealMode.MARKER:
        world.clock.pass_by(seconds=1)
        world.bucket.put("digits/_SUCCESS", b"")
    world.clock.pass_by(minutes=10)
    return world


def come_round(world: World) -> None:
    """Three sweeps, with the minutes between them."""
    for _ in range(3):
        sweep(world.ports)
        world.clock.pass_by(minutes=15)
        wake_due_seals(world.ports)
        world.seal_woken()
        seal_dataset(world.ports, "digits")


@pytest.mark.parametrize("after", [False, True], ids=["before its effect", "after its effect"])
@pytest.mark.parametrize("mode", SealMode)
def test_a_sweep_that_is_killed_at_any_call_loses_no_drop(mode: SealMode, after: bool) -> None:
    for at in count():
        world, interruption = unheard_of(mode), Interruption(at, after)
        with suppress(CutOff):
            sweep(interrupted(world.ports, interruption))
        if not interruption.happened:
            assert at > 10
            break
        come_round(world)
        assert len(world.store.runs) == 1, f"killed at {interruption.calls[at]}"


@pytest.mark.parametrize("mode", [SealMode.MARKER, SealMode.OBJECT])
def test_what_a_killed_sweep_found_is_not_owed_for_ever_when_it_is_replaced_before_the_next(mode: SealMode) -> None:
    key = "digits/_SUCCESS" if mode is SealMode.MARKER else "digits/a"
    for at in count():
        world, interruption = unheard_of(mode), Interruption(at, after=False)
        with suppress(CutOff):
            sweep(interrupted(world.ports, interruption))
        if not interruption.happened:
            break
        world.drop(key, b"anew")
        world.clock.pass_by(minutes=10)
        come_round(world)
        assert world.store.due_seals(world.clock.now()) == (), f"killed at {interruption.calls[at]}"


@pytest.mark.parametrize("mode", SealMode)
def test_a_call_that_fails_once_in_the_sweep_loses_no_drop(mode: SealMode) -> None:
    def fail() -> None:
        raise ConnectionError("AWS did not answer")

    for at in count():
        world, interruption = unheard_of(mode), Interruption(at, after=False, strike=fail)
        failing = interrupted(world.ports, interruption)
        try:
            sweep(failing)
        except Exception:  # noqa: BLE001  (the queue delivers it again, whatever it was)
            sweep(failing)
        if not interruption.happened:
            break
        come_round(world)
        assert len(world.store.runs) == 1, f"failed at {interruption.calls[at]}"
