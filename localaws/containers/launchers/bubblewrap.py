"""The rung for machines where only bubblewrap may make namespaces (Ubuntu's default for users who are not root)."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

from localaws.containers.container import Container, Process
from localaws.containers.launchers.namespace_root import SYSTEM_FOLDERS
from localaws.containers.launchers.supervised import environment, runs_trivial_job, supervise


class BubblewrapLauncher:
    """The image's folders and the operating system's, read-only; mounts, /tmp and /root writable."""

    name = "bubblewrap"
    isolates_network = True
    private_paths = True

    def __init__(self, temporary: Path) -> None:
        self._temporary = temporary

    def start(self, container: Container, output: BinaryIO) -> Process:
        with tempfile.NamedTemporaryFile(prefix="bubblewrap-", dir=self._temporary, delete=False) as file:
            signal_file = Path(file.name)
        # bubblewrap writes to a descriptor that it inherits; a shell opens one without a second program of ours
        opened = ["/bin/sh", "-c", 'exec 9>"$1"; shift; exec "$@"', "sh", str(signal_file)]
        plan = {
            "argv": [*opened, *arguments(container, information_descriptor=9)],
            "environment": environment(container) | {"PATH": "/usr/local/bin:/usr/bin:/bin"},
            "folder": "/",
            "signal_file": str(signal_file),
            "namespace": None,
        }
        return supervise(plan, output)

    def works(self) -> bool:
        return shutil.which("bwrap") is not None and runs_trivial_job(self, self._temporary, "/opt/ml")


def arguments(container: Container, information_descriptor: int) -> list[str]:
    """Return the command line of bubblewrap for a container.

    Top-level folders of the image are rebuilt entry by entry, so that nothing is created on this machine: to bind
    /opt/ml directly would, as root, make a folder /opt/ml here.
    """
    image = container.image
    root = image.merged()
    command = [shutil.which("bwrap") or "bwrap", "--die-with-parent", "--info-fd", str(information_descriptor)]
    command += ["--proc", "/proc", "--dev", "/dev"]
    for name in SYSTEM_FOLDERS:
        system = Path("/") / name
        if system.is_symlink():
            command += ["--symlink", str(system.readlink()), str(system)]
        elif system.is_dir():
            command += ["--ro-bind", str(system), str(system)]
    command += ["--tmpfs", "/tmp", "--tmpfs", "/root", "--ro-bind", "/sys", "/sys"]  # noqa: S108
    command += ["--ro-bind", str(image.python_prefix()), str(image.python_prefix())]
    for top in sorted(root.iterdir()):
        if top.name not in SYSTEM_FOLDERS and top.is_dir():
            command += ["--tmpfs", f"/{top.name}"]
            for entry in sorted(top.iterdir()):
                command += ["--ro-bind", str(entry), f"/{top.name}/{entry.name}"]
    for path, folder in container.mounts.items():
        command += ["--bind", str(folder), path]
    command += [] if container.network else ["--unshare-net"]
    command += ["--hostname", container.hostname, "--unshare-uts"]
    command += ["--setenv", "PATH", environment(container).get("PATH", "/usr/bin:/bin"), "--chdir", image.folder]
    return [*command, "--", *image.command(container.command)]
