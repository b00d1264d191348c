"""`python -m dropforge` is the command `dropforge`."""

from __future__ import annotations

from dropforge.cli.main import main

if __name__ == "__main__":
    main()
