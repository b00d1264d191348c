"""The rungs with an engine: docker and podman. Written against their documentation, not yet tried with a daemon."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from localaws.containers.container import Container, Process
from localaws.containers.image import PulledImage
from localaws.containers.layers import ImageRefusedError

_TRIAL_IMAGE = "public.ecr.aws/docker/library/busybox:stable"


class EngineLauncher:
    """Runs images that an engine built; pulls them by digest from the local registry as the role of the job."""

    isolates_network = True
    private_paths = True

    def __init__(self, program: str) -> None:
        self.name = program

    def start(self, container: Container, output: BinaryIO) -> Process:
        if container.image.host_based:
            raise ImageRefusedError(
                f"Image {container.image.digest} was built without a container engine, so {self.name} cannot run it:"
                " build it again, now that there is one."
            )
        self._pull(container.image)
        name = f"localaws-{secrets.token_hex(6)}"
        process = subprocess.Popen(
            arguments(self.name, container, name),
            env={**_own_environment(), **container.environment},
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        return _EngineProcess(process, self.name, name)

    def works(self) -> bool:
        command = [self.name, "run", "--rm", "--network", "none", _TRIAL_IMAGE, "sh", "-c", "exit 42"]
        try:
            done = subprocess.run(command, capture_output=True, timeout=60, check=False, env=_own_environment())
        except (OSError, subprocess.TimeoutExpired):
            return False
        return done.returncode == 42

    def _pull(self, image: PulledImage) -> None:
        """Let the engine pull by digest, which it verifies; the login is in a folder of this pull's own."""
        with tempfile.TemporaryDirectory() as folder:
            login = {"auths": {image.reference.partition("/")[0]: {"auth": image.authorization}}}
            (Path(folder) / "config.json").write_text(json.dumps(login), encoding="utf-8")
            own = {"DOCKER_CONFIG": folder, "REGISTRY_AUTH_FILE": str(Path(folder) / "config.json")}
            insecure = ["--tls-verify=false"] if self.name == "podman" else []
            done = subprocess.run(
                [self.name, "pull", "--quiet", *insecure, image.reference],
                capture_output=True, text=True, check=False, env={**_own_environment(), **own},
            )  # fmt: skip
        if done.returncode:
            raise ImageRefusedError(f"{self.name} could not pull {image.reference}: {done.stderr.strip()}")


def arguments(program: str, container: Container, name: str) -> list[str]:
    """Return the command line; values of variables stay out of it, since every user of the machine can read those."""
    command = [program, "run", "--rm", "--init", "--name", name, "--hostname", container.hostname]
    command += ["--network", "host" if container.network else "none"]
    for variable in container.environment:
        command += ["--env", variable]
    for path, folder in container.mounts.items():
        command += ["--volume", f"{folder}:{path}"]
    return [*command, container.image.reference, *container.command]


def _own_environment() -> Mapping[str, str]:
    """Return what the engine's client itself needs."""
    names = ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONTEXT", "XDG_RUNTIME_DIR")
    return {name: os.environ[name] for name in names if name in os.environ}


class _EngineProcess:
    """The engine's client, which passes SIGTERM on and ends with the container."""

    def __init__(self, process: subprocess.Popen[bytes], program: str, name: str) -> None:
        self._process, self._program, self._name = process, program, name
        self.pid = process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.returncode

    def wait(self, timeout: float | None = None) -> int:
        return self._process.wait(timeout)

    def poll(self) -> int | None:
        return self._process.poll()

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        """Kill the container: to kill the client alone would leave it running."""
        subprocess.run([self._program, "kill", self._name], capture_output=True, check=False, env=_own_environment())
