"""The machine's clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait(self, length: timedelta) -> None:
        time.sleep(length.total_seconds())
