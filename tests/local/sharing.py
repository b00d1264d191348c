"""What the processes of one test session share: things that are made once, and by the last one taken away."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from demo.local_aws import LocalAws
from demo.workbench import CommandFailedError

Document = dict[str, Any]


@dataclass(frozen=True)
class SharedByWorkers:
    """Locks and JSON files in a folder that every worker of a session knows, and no other session."""

    folder: Path

    def once(self, name: str, make: Callable[[], Document]) -> Document:
        """What `make` gave to whichever worker asked first; where it failed, it has failed for all."""
        file = self.folder / f"{name}.json"
        with self._locked(name, fcntl.LOCK_EX):
            if not file.exists():
                try:
                    outcome: Document = {"made": make()}
                except (AssertionError, CommandFailedError) as error:
                    outcome = {"failed": f"{type(error).__name__}: {error}"}
                file.write_text(json.dumps(outcome))
        told: Document = json.loads(file.read_text())
        if "failed" in told:
            pytest.fail(f"{name}: {told['failed']}", pytrace=False)
        made: Document = told["made"]
        return made

    def started(self, local: LocalAws) -> dict[str, str]:
        """Start the local AWS unless it runs; return the environment to use it with."""
        with self._locked("server", fcntl.LOCK_EX):
            local.home.mkdir(exist_ok=True)
            return local.start()

    @contextmanager
    def in_use(self, last: Callable[[], None]) -> Iterator[None]:
        """While a worker uses what is shared; the one that leaves last cleans up."""
        try:
            with self._locked("users", fcntl.LOCK_SH):
                yield
        finally:
            with (self.folder / "users.lock").open("w") as users:
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    return
                last()

    @contextmanager
    def _locked(self, name: str, kind: int) -> Iterator[None]:
        with (self.folder / f"{name}.lock").open("w") as file:
            fcntl.flock(file, kind)
            yield
