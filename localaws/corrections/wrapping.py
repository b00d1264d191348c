"""How a correction takes hold: a function of the emulator is replaced by one that is given the original."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ministack.services.cloudformation import provisioners


class EmulatorChangedError(Exception):
    """The emulator is not the one that the corrections were written for."""


def wrap(module: ModuleType, name: str, replacement: Callable[..., Any]) -> None:
    """Replace `module.name` by `replacement(original, ...)`; raise EmulatorChangedError if it is not there."""
    original = getattr(module, name, None)
    if not callable(original):
        raise EmulatorChangedError(
            f"This ministack has no {module.__name__}.{name}, which {replacement.__module__} corrects: install the "
            "version in requirements/localaws.txt, or adapt the correction to the new one."
        )
    setattr(module, name, functools.wraps(original)(functools.partial(replacement, original)))


def wrap_resource(resource_type: str, replacement: Callable[..., Any], *actions: str) -> None:
    """Replace CloudFormation's handling of a resource type by `replacement(original, ...)`, for some actions."""
    handler = getattr(provisioners, "_RESOURCE_HANDLERS", {}).get(resource_type, {})
    for action in actions:
        if action not in handler:
            raise EmulatorChangedError(f"This ministack cannot {action} {resource_type}, which is corrected here.")
        handler[action] = functools.partial(replacement, handler[action])
