"""What the emulator gets wrong, mended: one module a subject, each naming the AWS document that it follows."""

from __future__ import annotations

import importlib
import pkgutil

from localaws.runtime import Runtime

_TOOL = "wrapping"


def install(runtime: Runtime) -> None:
    """Put every correction in place, before the first request; raise EmulatorChangedError where one has no hold."""
    for name in sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != _TOOL):
        importlib.import_module(f"{__name__}.{name}").install(runtime)
