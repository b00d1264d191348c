"""What the rungs without an engine share: a supervisor process above the program, and a trivial job to try a rung."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from localaws.containers.container import Container, Launcher, SupervisedProcess
from localaws.containers.dependencies import host_python
from localaws.containers.image import PulledImage, host_labels

_SUPERVISOR = Path(__file__).with_name("supervisor.py")


def supervise(plan: Mapping[str, Any], output: BinaryIO) -> SupervisedProcess:
    """Start the supervisor with a plan (see there). The plan goes through a pipe: it may hold secrets."""
    process = subprocess.Popen(
        [str(host_python()), "-I", "-S", str(_SUPERVISOR)],
        stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT, env={}, cwd="/", start_new_session=True,
    )  # fmt: skip
    if process.stdin is None:
        raise RuntimeError("a pipe was asked for and not given")
    process.stdin.write(json.dumps(plan).encode() + b"\n")
    process.stdin.flush()
    return SupervisedProcess(process)


def environment(container: Container) -> dict[str, str]:
    """Return all variables of the program: the image's, and over them the job's."""
    return {"HOME": "/root", **container.image.environment, "HOSTNAME": container.hostname, **container.environment}


def runs_trivial_job(launcher: Launcher, folder: Path, wanted: str) -> bool:
    """Run a shell from an image without files, which must see the file that is mounted for it at `wanted`."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="trial-", dir=folder) as name:
        layer, mount = Path(name) / "layers" / "trial", Path(name) / "ml"
        (layer / "srv" / "trial").mkdir(parents=True)
        mount.mkdir()
        (mount / "question").touch()
        config = {"Labels": host_labels(), "Env": ["PATH=/usr/local/bin:/usr/bin:/bin"]}
        image = PulledImage("sha256:trial", config, (layer,), "")
        command = ("/bin/sh", "-c", f"test -f {wanted}/question && test -d /srv/trial && exit 42")
        container = Container(image, command, {}, {"/opt/ml": mount}, network=False)
        try:
            with (Path(name) / "output").open("wb") as output:
                return launcher.start(container, output).wait(timeout=20) == 42
        except (OSError, subprocess.SubprocessError):
            return False
