"""Settings of the unit tests."""

from __future__ import annotations

from hypothesis import settings

# The same examples in every run, whatever else the machine does meanwhile, and nothing left in the tree.
settings.register_profile("unit", derandomize=True, deadline=None, max_examples=60, database=None)
settings.load_profile("unit")
