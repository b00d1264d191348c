"""CloudFormation's handlers run on threads of their own, so that they may call this server, as ours do.

The emulator runs most on its event loop: a call to itself from there would wait for itself for ever. Order is kept,
since a stack awaits each resource.
"""

from __future__ import annotations

from collections.abc import Callable

from ministack.services.cloudformation import stacks

from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime


def install(runtime: Runtime) -> None:
    """Give every resource type what the emulator gives to custom resources."""
    del runtime
    wrap(stacks, "_runs_on_worker_thread", _always)


def _always(original: Callable[[str], bool], resource_type: str) -> bool:
    del original, resource_type
    return True
