"""The last rung: a process like any other, for machines that offer nothing better."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from localaws.containers.container import Container, Process
from localaws.containers.launchers.supervised import environment, supervise


class PlainLauncher:
    """Runs the image's program where the image is unpacked; paths of the image in its command lead there.

    There is no /opt/ml: a program that names it literally fails here, and has to use SM_MODEL_DIR and its like.
    Network isolation cannot be had; who asks for it must be told.
    """

    name = "plain"
    isolates_network = False
    private_paths = False

    def __init__(self, temporary: Path) -> None:
        self._temporary = temporary

    def start(self, container: Container, output: BinaryIO) -> Process:
        container.image.python_prefix()
        root = container.image.merged()
        variables = environment(container)
        search = [_below(root, folder) for folder in variables.get("PATH", "/usr/bin:/bin").split(":")]
        variables |= {"PATH": ":".join(search), "HOME": str(self._temporary), "PYTHONDONTWRITEBYTECODE": "1"}
        folder = _below(root, container.image.folder)
        plan = {
            "argv": [_below(root, word) for word in container.image.command(container.command)],
            "environment": variables,
            "folder": folder if Path(folder).is_dir() else str(root),
            "signal_file": None,
            "namespace": None,
        }
        return supervise(plan, output)

    def works(self) -> bool:
        return True


def _below(root: Path, word: str) -> str:
    """Return where a path of the image is on this machine; anything else, unchanged."""
    inside = root / word.lstrip("/")
    return str(inside) if word.startswith("/") and word != "/" and (inside.exists() or inside.is_symlink()) else word
