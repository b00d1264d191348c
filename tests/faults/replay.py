"""`python -m tests.faults.replay SEED` or `… HISTORY:STEPS`: what happened in one schedule, line by line."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.faults.histories import HISTORIES
from tests.faults.invariants import ViolationError
from tests.faults.schedules import Schedules
from tests.faults.simulator import Schedule
from tests.faults.tokens import replay
from tests.faults.unfolding import Unfolding


def replayed(schedule: str) -> Iterator[str]:
    """The schedule's story; ViolationError where it breaks a promise, ValueError when it is no schedule."""
    if schedule.isdigit():
        yield from _seeded(int(schedule))
        return
    name, _, steps = schedule.partition(":")
    if name not in HISTORIES:
        raise ValueError(
            f"{name!r} is no history: give a seed, or <history>:<steps> with one of {', '.join(HISTORIES)}"
        )
    yield from replay(Schedules(Unfolding(HISTORIES[name])), steps)


def _seeded(seed: int) -> Iterator[str]:
    schedule = Schedule(seed)
    try:
        schedule.play()
    finally:
        yield from schedule.log


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    try:
        for line in replayed(arguments[0]):
            sys.stdout.write(f"{line}\n")
    except ViolationError as violation:
        sys.stdout.write(f"{violation}\n")
        return 1
    except ValueError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return 2
    sys.stdout.write("every promise held\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
