"""`python -m tests.faults [--schedules N] [--from SEED]`: seeded schedules over all cores, each failure as a seed."""

from __future__ import annotations

import argparse
import sys
import time
from multiprocessing import Pool

from tests.faults.simulator import play

BATCH = 500


def broken_in(seeds: range) -> list[tuple[int, str]]:
    return [(seed, broken) for seed in seeds if (broken := play(seed)) is not None]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--schedules", type=int, default=1_000_000)
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="SEED")
    options = parser.parse_args()
    last = options.first + options.schedules
    batches = [range(seed, min(seed + BATCH, last)) for seed in range(options.first, last, BATCH)]
    began, done, failures = time.monotonic(), 0, 0
    with Pool() as pool:
        for broken in pool.imap_unordered(broken_in, batches):
            done += BATCH
            failures += len(broken)
            for seed, what in broken:
                _say(f"seed {seed}: {what}\n    replay it: python -m tests.faults.replay {seed}")
            if done % (40 * BATCH) == 0:
                _say(f"{done:,} schedules, {failures} broken, {time.monotonic() - began:.0f} s")
    _say(f"{options.schedules:,} schedules, {failures} broken a promise, {time.monotonic() - began:.0f} s")
    return 1 if failures else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
