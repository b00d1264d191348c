"""Seeded schedules with every mishap at once; `make faults` plays a million."""

from __future__ import annotations

import pytest

from tests.faults.replay import replayed
from tests.faults.simulator import Schedule, play

FAMILIES = 8
SEEDS_OF_A_FAMILY = 250


@pytest.mark.parametrize("family", range(FAMILIES))
def test_no_seed_breaks_a_promise(family: int) -> None:
    first = family * SEEDS_OF_A_FAMILY
    broken = {seed: what for seed in range(first, first + SEEDS_OF_A_FAMILY) if (what := play(seed)) is not None}
    assert not broken, f"{broken}\nreplay one: python -m tests.faults.replay {min(broken)}"


def test_a_seed_is_the_same_schedule_every_time() -> None:
    logs = []
    for _ in range(2):
        schedule = Schedule(42)
        schedule.play()
        logs.append(schedule.log)
    assert logs[0] == logs[1] == list(replayed("42"))


def test_the_schedules_are_no_fair_weather() -> None:
    mishaps, dead, runs = set(), 0, 0
    for seed in range(300):
        schedule = Schedule(seed)
        schedule.play()
        mishaps |= {line.rpartition(": ")[2] for line in schedule.log if line.startswith("    ")}
        dead += len(schedule.dead)
        runs += len(schedule.world.store.runs)
    assert mishaps == {"killed before", "killed after", "lost", "timed out", "busy", "meanwhile", "slow"}
    assert dead > 0
    assert runs > 300
