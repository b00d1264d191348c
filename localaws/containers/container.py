"""What a launcher is asked to start, and what it gives back."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from localaws.containers.image import PulledImage


@dataclass(frozen=True)
class Container:
    """What to run, and what it may see."""

    image: PulledImage
    command: tuple[str, ...]
    """What follows `docker run IMAGE`, such as ("train",)."""
    environment: Mapping[str, str]
    """Set over the image's own variables; nothing of the server's environment is passed on."""
    mounts: Mapping[str, Path]
    """Folders of this machine by their path in the container, writable: {"/opt/ml": …}."""
    network: bool = True
    """False isolates the program from every network, where the rung can (`Launcher.isolates_network`)."""
    hostname: str = "localhost"


class Process(Protocol):
    """A started program; its own group, ended with the server however that ends."""

    pid: int

    @property
    def returncode(self) -> int | None:
        """None while it runs; 128 + n if signal n ended it, as an engine reports it."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; raise subprocess.TimeoutExpired."""

    def poll(self) -> int | None:
        """Return the return code, or None while it runs."""

    def terminate(self) -> None:
        """Send SIGTERM to the program itself."""

    def kill(self) -> None:
        """End the program and all that it started, at once."""


class Launcher(Protocol):
    """A rung of the ladder."""

    name: str
    isolates_network: bool
    """Whether `network=False` really leaves the program without a network."""
    private_paths: bool
    """Whether mounts appear at their paths; else SAGEMAKER_BASE_DIR and the SM_* variables have to lead there."""

    def start(self, container: Container, output: BinaryIO) -> Process:
        """Start the program with stdout and stderr going to `output`.

        Raises ImageRefusedError for an image that this rung cannot run.
        """

    def works(self) -> bool:
        """Run a trivial job and tell whether it did what was asked."""


class SupervisedProcess:
    """A supervisor of ours with the program below it; the pipe to its stdin is what ties it to this server."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid

    @property
    def returncode(self) -> int | None:
        code = self._process.returncode
        return 128 - code if code is not None and code < 0 else code

    def wait(self, timeout: float | None = None) -> int:
        code = self._process.wait(timeout)
        return 128 - code if code < 0 else code

    def poll(self) -> int | None:
        self._process.poll()
        return self.returncode

    def terminate(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Let the supervisor end everything, which it does when its stdin ends; then make sure."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
