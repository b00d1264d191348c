"""The two other systems that the trial stage tells of runs: one process for the session, whoever starts or ends it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.workbench import ROOT
from tests.fakes.outside import GITHUB_TOKEN, LINEAGE_TOKEN

SECRETS = {"trial/lineage": LINEAGE_TOKEN, "trial/github": GITHUB_TOKEN}
SINKS = """
sinks:
  openlineage: {{ url: "{url}", token_secret: trial/lineage }}
  github_status: {{ api_url: "{url}", token_secret: trial/github }}
"""


@dataclass(frozen=True)
class OutsideProcess:
    """Known by files in the session's folder."""

    folder: Path

    def start(self) -> str:
        """Its address."""
        self._record.touch()
        command = [sys.executable, "-m", "tests.fakes.outside", str(self._record)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True)
        self._pid.write_text(str(process.pid))
        assert process.stdout is not None
        return process.stdout.readline().strip()

    def stop(self) -> None:
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int(self._pid.read_text()), signal.SIGTERM)

    def taken(self) -> list[dict[str, Any]]:
        """What it was sent and took so far: events of OpenLineage and statuses of commits."""
        return [json.loads(line) for line in self._record.read_text("utf-8").splitlines()]

    @property
    def _pid(self) -> Path:
        return self.folder / "outside.pid"

    @property
    def _record(self) -> Path:
        return self.folder / "outside.jsonl"
