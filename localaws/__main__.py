"""`python -m localaws`."""

from __future__ import annotations

import sys

from localaws.command_line import main

if __name__ == "__main__":
    sys.exit(main())
