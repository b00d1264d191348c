"""`python -m tests.faults.figures [HISTORY …]`: what there is to explore in each history, and what it takes."""

from __future__ import annotations

import sys
import time

from tests.faults.explorer import Explorer
from tests.faults.histories import HISTORIES

LINE = "{:>10,} states {:>8,} worlds {:>9,} calls {:>5,} ends {:>6.1f} s  {}\n"


def main(names: list[str]) -> int:
    if unknown := [each for each in names if each not in HISTORIES]:
        sys.stderr.write(f"no history: {', '.join(unknown)}; there are {', '.join(HISTORIES)}\n")
        return 2
    sums = [0, 0, 0, 0, 0.0]
    for name in names or HISTORIES:
        began = time.process_time()
        found = Explorer(name, HISTORIES[name]).explore()
        row = [found.states, found.worlds, found.calls, len(found.ends), time.process_time() - began]
        sums = [before + each for before, each in zip(sums, row, strict=True)]
        sys.stdout.write(LINE.format(*row, name))
        sys.stdout.flush()
    sys.stdout.write(LINE.format(*sums, "in all"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
