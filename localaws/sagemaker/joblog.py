"""A job's output: line by line to CloudWatch Logs, and the metrics that its patterns find there.

https://docs.aws.amazon.com/sagemaker/latest/dg/logging-cloudwatch.html
https://docs.aws.amazon.com/sagemaker/latest/dg/define-train-metrics.html
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import queue
import re
import threading
import time
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

GROUP = "/aws/sagemaker/TrainingJobs"
_BATCH = 500
_EVENT_BYTES = 256_000
_PATIENCE = 0.2

log = logging.getLogger("localaws")


class MetricReader:
    """Finds metric values in lines: the last one of each definition counts."""

    def __init__(self, definitions: Iterable[Mapping[str, str]]) -> None:
        self._patterns = [(definition["Name"], re.compile(definition["Regex"])) for definition in definitions]
        self.final: dict[str, dict[str, Any]] = {}

    def read(self, line: str, when: dt.datetime) -> None:
        """Look for every metric in one line; text that is no number is passed over."""
        for name, pattern in self._patterns:
            for match in pattern.finditer(line):
                try:
                    value = float(match[1])
                except (TypeError, ValueError):
                    continue
                self.final[name] = {"MetricName": name, "Value": value, "Timestamp": when}


class JobLog:
    """The stream `<job>/algo-1-<epoch>`, written as the job's role. A role that may not write has a job without log."""

    def __init__(self, logs: Any, job_name: str, created: dt.datetime, metrics: MetricReader) -> None:
        self._logs, self._metrics = logs, metrics
        self.stream = f"{job_name}/algo-1-{int(created.timestamp())}"
        self._lines: queue.Queue[tuple[int, str] | None] = queue.Queue()
        self._sender = threading.Thread(target=self._send_all, name=f"log of {job_name}", daemon=True)
        self._sender.start()

    def say(self, line: str) -> None:
        """Log a line that the program has not written."""
        self._lines.put((int(time.time() * 1000), line))

    def follow(self) -> tuple[BinaryIO, threading.Thread]:
        """Return a pipe for the program to write to, and the thread that logs it until every writer has closed it."""
        read_end, write_end = os.pipe()
        reader = threading.Thread(target=self._read, args=(read_end,), name="job output", daemon=True)
        reader.start()
        return os.fdopen(write_end, "wb"), reader

    def close(self) -> None:
        """Send what is left, and wait until it has been sent."""
        self._lines.put(None)
        self._sender.join(timeout=30)

    def _read(self, descriptor: int) -> None:
        with os.fdopen(descriptor, "rb") as output:
            for raw in output:
                line = raw.decode("utf-8", errors="replace").rstrip("\r\n")
                now = dt.datetime.now(dt.UTC)
                self._metrics.read(line, now)
                self._lines.put((int(now.timestamp() * 1000), line))

    def _send_all(self) -> None:
        try:
            self._create()
            while batch := self._batch():
                events = [{"timestamp": when, "message": line[:_EVENT_BYTES] or " "} for when, line in batch]
                self._logs.put_log_events(logGroupName=GROUP, logStreamName=self.stream, logEvents=events)
        except (ClientError, BotoCoreError) as error:
            log.warning("the log of %s ends here: %s", self.stream, error)

    def _create(self) -> None:
        for create, name in (
            (self._logs.create_log_group, {"logGroupName": GROUP}),
            (self._logs.create_log_stream, {"logGroupName": GROUP, "logStreamName": self.stream}),
        ):
            try:
                create(**name)
            except ClientError as error:
                if error.response["Error"]["Code"] not in {"ResourceAlreadyExistsException", "AccessDeniedException"}:
                    raise

    def _batch(self) -> list[tuple[int, str]]:
        """Return the lines that have come, waiting for the first; empty when there will be no more."""
        first = self._lines.get()
        if first is None:
            return []
        batch = [first]
        deadline = time.monotonic() + _PATIENCE
        while len(batch) < _BATCH:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                break
            if line is None:
                self._lines.put(None)
                break
            batch.append(line)
        return batch
