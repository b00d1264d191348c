"""The build's log in CloudWatch Logs, written as the build's role, with secrets masked."""

from __future__ import annotations

import datetime as dt
import logging
import threading
import time
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

_BATCH = 1000
_FLUSH_SECONDS = 0.5
_LONGEST = 200_000
_SHORTEST_SECRET = 4
log = logging.getLogger("localaws")


class BuildLog:
    """Collects lines and sends them every half second; never loses one while the role may write."""

    def __init__(self, client: Any, group: str, stream: str, stopping: threading.Event) -> None:
        """Open the stream; raise ClientError if the role may not."""
        self._client, self._group, self._stream = client, group, stream
        self._secrets: list[str] = []
        self._lines: list[dict[str, Any]] = []
        self._lock, self._sending = threading.Lock(), threading.Lock()
        self._done = stopping
        self._create()

    def _create(self) -> None:
        try:
            self._client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            self._client.create_log_group(logGroupName=self._group)
            self._client.create_log_stream(logGroupName=self._group, logStreamName=self._stream)

    def mask(self, values: Iterable[str]) -> None:
        """Show these values as *** from now on, longest first."""
        found = {value for value in values if len(value) >= _SHORTEST_SECRET}
        self._secrets = sorted({*self._secrets, *found}, key=len, reverse=True)

    def say(self, text: str) -> None:
        """Write a line of CodeBuild itself."""
        self.write(f"[Container] {dt.datetime.now(dt.UTC):%Y/%m/%d %H:%M:%S.%f} {text}")

    def write(self, line: str) -> None:
        for secret in self._secrets:
            line = line.replace(secret, "***")
        with self._lock:
            self._lines.append({"timestamp": int(time.time() * 1000), "message": line[:_LONGEST] or " "})

    def flush(self) -> None:
        """Send what has been collected; what CloudWatch Logs does not take stays for the next time. ClientError."""
        with self._sending:
            while batch := self._lines[:_BATCH]:
                self._client.put_log_events(logGroupName=self._group, logStreamName=self._stream, logEvents=batch)
                with self._lock:
                    del self._lines[: len(batch)]

    def keep_flushing(self) -> None:
        """Flush until the build ends; runs on a thread of its own."""
        while not self._done.wait(_FLUSH_SECONDS):
            try:
                self.flush()
            except (ClientError, BotoCoreError) as error:
                log.warning("the log of a build could not be written, and is tried again: %s", error)
