"""The command `dropforge` as a test types it: in its own process, since Python starts slower than most commands run."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from typer.testing import CliRunner

from dropforge.cli.main import app
from dropforge.cli.wiring import Wiring


@dataclass(frozen=True)
class Answer:
    """What a command came to: its exit code, its results on stdout, and what it said on stderr."""

    code: int
    out: str
    said: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


def typed(words: tuple[str, ...], environment: Mapping[str, str | None], wiring: Wiring | None = None) -> Answer:
    """Type `dropforge` and these words, with variables set, or with None unset; what no user should see is raised."""
    done = CliRunner().invoke(app, list(words), obj=wiring, env=environment, catch_exceptions=False)
    return Answer(done.exit_code, done.stdout, done.stderr)


def only(environment: Mapping[str, str]) -> dict[str, str | None]:
    """These variables and no others of this process."""
    return {**dict.fromkeys(os.environ), **environment}
