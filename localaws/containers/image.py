"""An image that was pulled and verified, ready to be started."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localaws.containers.dependencies import host_python
from localaws.containers.layers import ImageRefusedError

HOST_BASED = "localaws.host-based"
HOST_PYTHON = "localaws.host-python"


def host_labels() -> dict[str, str]:
    """Return the labels of an image whose base is this machine, and which of its Pythons."""
    return {
        HOST_BASED: "true",
        HOST_PYTHON: os.pathsep.join([str(host_python()), str(Path(sys.base_prefix).resolve())]),
    }


@dataclass(frozen=True)
class PulledImage:
    """An image by digest; its layers' folders (lowest first) are there only if it is host-based."""

    digest: str
    config: Mapping[str, Any]
    layers: tuple[Path, ...]
    reference: str
    """Where an engine pulls it: 127.0.0.1:<port>/<repository>@<digest>."""
    authorization: str = field(repr=False, default="")
    """The registry token of the role that pulled it, as `docker login` stores it."""

    @property
    def host_based(self) -> bool:
        """Whether this machine's Python stands in for the base image, so that no engine can run it."""
        return self.labels.get(HOST_BASED) == "true"

    @property
    def labels(self) -> Mapping[str, str]:
        return self.config.get("Labels") or {}

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the image sets."""
        pairs = (entry.partition("=") for entry in self.config.get("Env") or [])
        return {name: value for name, _, value in pairs}

    @property
    def folder(self) -> str:
        """The folder of the image in which its program starts."""
        return self.config.get("WorkingDir") or "/"

    def command(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        """Return what `docker run IMAGE arguments` executes."""
        return (*(self.config.get("Entrypoint") or ()), *(arguments or self.config.get("Cmd") or ()))

    def python_prefix(self) -> Path:
        """Return the folder of this machine's Python that the image was built with.

        Raises ImageRefusedError if it is no longer there, or if the image needs an engine.
        """
        if not self.host_based:
            raise ImageRefusedError(
                f"Image {self.digest} was built by a container engine and needs one to run: start Docker or Podman."
            )
        python, _, prefix = self.labels.get(HOST_PYTHON, "").partition(os.pathsep)
        if not Path(python).exists():
            raise ImageRefusedError(
                f"Image {self.digest} was built with this machine's {python}, which is no longer there: build it again."
            )
        return Path(prefix)

    def merged(self) -> Path:
        """Return one folder with all layers, for launchers that cannot stack them: made of hard links, at first use."""
        target = self.layers[0].parent.parent / "merged" / self.digest.removeprefix("sha256:")
        if target.exists():
            return target
        target.parent.mkdir(exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".merging-", dir=target.parent))
        try:
            for layer in self.layers:
                shutil.copytree(layer, staging, symlinks=True, dirs_exist_ok=True, copy_function=_link)
            staging.rename(target)
        except OSError:
            if not target.exists():  # else another job was first
                raise
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        return target


def _link(source: str, target: str) -> None:
    """Link a file into the merged folder; a higher layer's file replaces a lower one's."""
    Path(target).unlink(missing_ok=True)
    os.link(source, target, follow_symlinks=False)


def image_config(document: bytes) -> dict[str, Any]:
    """Return the `config` member of an image's configuration document."""
    found: dict[str, Any] = json.loads(document)["config"]
    return found
