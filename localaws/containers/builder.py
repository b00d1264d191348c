"""Builds an image without an engine: the same input on the same machine gives the same digest."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localaws.containers.context import Context
from localaws.containers.dependencies import Dependencies, interpreter_entries
from localaws.containers.dockerfile import BuildError
from localaws.containers.image import host_labels
from localaws.containers.layers import Entry
from localaws.containers.plan import Copy, PipInstall, Plan, plan
from localaws.containers.store import Blob, BuiltImage, ImageStore

REQUESTED_BASE = "localaws.requested-base"


@dataclass(frozen=True)
class BuildReport:
    """What was built, and what a reader of the build's log should know about it."""

    image: BuiltImage
    lines: tuple[str, ...]


class Builder:
    """Builds images, whose names are kept below a folder; what can be shared goes into a cache."""

    def __init__(self, names: Path, cache: Path) -> None:
        self.store = ImageStore(names, cache / "blobs")
        self._dependencies = Dependencies(cache / "dependencies", self.store)

    def build(
        self, context: Path, dockerfile: Path | None = None, build_arguments: Mapping[str, str] | None = None
    ) -> BuildReport:
        """Build the Dockerfile of a folder; raise BuildError naming what cannot be done. Nothing is half done."""
        file = dockerfile or context / "Dockerfile"
        if not file.is_file():
            raise BuildError(f"There is no {file.name} in the build context: add one, or name another file with -f.")
        wanted = plan(file.read_text(encoding="utf-8"), build_arguments or {})
        copied, image, pip_steps = list[Entry](), dict[str, Path | bytes](), list[PipInstall]()
        source = Context(context)
        for step in wanted.steps:
            if isinstance(step, Copy):
                found = list(source.entries(step))
                copied += found
                image.update((entry.name, entry.content) for entry in found)
            else:
                pip_steps.append(step)
        layers = [self.store.add_layer(interpreter_entries())]
        version = platform.python_version()
        lines = [
            f"No container engine: {wanted.base} is recorded, and this machine's Python {version} stands in for it."
        ]
        if pip_steps:
            layer, known = self._dependencies.layer(pip_steps, image)
            layers.append(layer)
            lines.append(f"Dependencies: {layer.size >> 20} MiB, {'from the cache' if known else 'installed'}.")
        if copied:
            layers.append(self.store.add_layer(copied))
        built = self._compose(wanted, layers)
        return BuildReport(built, (*lines, f"Built {built.digest}"))

    def _compose(self, wanted: Plan, layers: list[Blob]) -> BuiltImage:
        config: dict[str, Any] = {
            "Env": [f"{name}={value}" for name, value in wanted.environment.items()],
            "WorkingDir": wanted.folder,
            "Entrypoint": list(wanted.entrypoint),
            "Cmd": list(wanted.command),
            "Labels": {
                **wanted.labels,
                **host_labels(),
                REQUESTED_BASE: wanted.base,
            },
        }
        image = self.store.add_image(config, layers, wanted.history)
        self.store.tag(f"<untagged>@{image.digest}", image.digest)
        return image
