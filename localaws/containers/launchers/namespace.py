"""The rung that needs nothing but Linux: namespaces of the job's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

from localaws.containers.container import Container, Process
from localaws.containers.launchers.supervised import environment, runs_trivial_job, supervise


class NamespaceLauncher:
    """A root folder, process ids, host name and (isolated) network of the job's own. No security boundary."""

    name = "namespace"
    isolates_network = True
    private_paths = True

    def __init__(self, temporary: Path) -> None:
        self._temporary = temporary

    def start(self, container: Container, output: BinaryIO) -> Process:
        workspace = self._temporary / "root"
        workspace.mkdir(parents=True, exist_ok=True)
        plan = {
            "argv": container.image.command(container.command),
            "environment": environment(container),
            "folder": container.image.folder,
            "signal_file": None,
            "namespace": {
                "layers": [str(layer.resolve()) for layer in reversed(container.image.layers)],
                "mounts": {path: str(folder.resolve()) for path, folder in container.mounts.items()},
                "interpreter": str(container.image.python_prefix()),
                "workspace": str(workspace.resolve()),
                "network": container.network,
                "hostname": container.hostname,
            },
        }
        return supervise(plan, output)

    def works(self) -> bool:
        return sys.platform == "linux" and runs_trivial_job(self, self._temporary, "/opt/ml")
