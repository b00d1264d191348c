"""What there is to explore in each history, and what it takes."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace

from tests.faults.explorer import Explorer
from tests.faults.histories import HISTORIES, WHOLE

LINE = "{:>10,} states {:>8,} worlds {:>9,} calls {:>5,} ends {:>6.1f} s  {}\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.figures", description=__doc__)
    parser.add_argument("histories", nargs="*", metavar="HISTORY", help=f"all, or some of {', '.join(HISTORIES)}")
    parser.add_argument("--whole", action="store_true", help="with a second delivery and two crashes in each")
    options = parser.parse_args()
    if unknown := [each for each in options.histories if each not in HISTORIES]:
        parser.error(f"no history: {', '.join(unknown)}; there are {', '.join(HISTORIES)}")
    sums = [0, 0, 0, 0, 0.0]
    for name in options.histories or HISTORIES:
        history, began = HISTORIES[name], time.process_time()
        found = Explorer(name, replace(history, most=WHOLE) if options.whole else history).explore()
        row = [found.states, found.worlds, found.calls, len(found.ends), time.process_time() - began]
        sums = [before + each for before, each in zip(sums, row, strict=True)]
        sys.stdout.write(LINE.format(*row, name))
        sys.stdout.flush()
    sys.stdout.write(LINE.format(*sums, "in all"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
