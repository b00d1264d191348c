"""How long to wait when AWS has no room."""

from __future__ import annotations

import hashlib
from datetime import timedelta

FIRST_SECONDS = 30
LONGEST_SECONDS = 15 * 60


def backoff(name: str, delays: int, first_seconds: int = FIRST_SECONDS) -> timedelta:
    """Doubles from 30 s to 15 min with the number of earlier delays; between half and all of that.

    Which part of it follows from name and count: runs that were refused together come back apart, with no randomness.
    """
    longest = min(first_seconds * 2 ** min(delays, 10), LONGEST_SECONDS)
    seed = hashlib.sha256(f"{name}/{delays}".encode()).digest()
    share = int.from_bytes(seed[:4], "big") / 2**32
    return timedelta(seconds=round(longest * (0.5 + share / 2), 3))
