"""Runs git on repositories whose content others wrote: no shell, no configuration but our own, no prompts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_SETTINGS = (
    # The repository belongs to whoever pushed; naming it here, and only here, is what git's ownership check asks for.
    "safe.directory=*",
    "core.hooksPath=/dev/null",
    "core.quotePath=false",
    "core.fsmonitor=false",
    "protocol.allow=never",
)
_SECONDS = 120


class GitError(Exception):
    """git refused; the message is git's own."""


def git(repository: Path | None, *arguments: str) -> bytes:
    """Run one git command, in a bare repository if one is given, and return what it printed.

    Values that come from outside must stand after `--end-of-options` or `--`, or be checked object ids.
    """
    where = [] if repository is None else [f"--git-dir={repository}"]
    settings = [part for setting in _SETTINGS for part in ("-c", setting)]
    command = ["git", *settings, *where, *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, check=True, timeout=_SECONDS, env=_environment(), stdin=subprocess.DEVNULL
        )
    except subprocess.CalledProcessError as error:
        raise GitError(error.stderr.decode(errors="replace").strip() or f"git {arguments[0]} failed") from error
    except FileNotFoundError as error:
        raise GitError("git is not installed: install the package git.") from error
    return done.stdout


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LANG") if name in os.environ}
    return kept | {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
