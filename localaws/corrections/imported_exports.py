"""An export that another stack imports is neither taken away nor changed; the emulator sees to it at deletion only.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import handlers, stacks

from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime

Outputs = tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]


class ExportInUseError(Exception):
    """The update is to be rolled back, for the reason that is said."""


def install(runtime: Runtime) -> None:
    """Look at a stack's exports when its outputs are known, before anything is removed."""
    del runtime
    wrap(stacks, "_resolve_stack_outputs", _resolve)


def _resolve(original: Callable[..., Outputs], *request: Any) -> Outputs:
    outputs, exports = original(*request)
    name = request[-2]
    for before in cloudformation._stacks[name].get("Outputs", []):
        export = before.get("ExportName")
        now = exports.get(export, {}).get("Value")
        if export and now != before["OutputValue"] and (importers := _importers(export, name)):
            verb = "delete" if now is None else "update"
            raise ExportInUseError(f"Cannot {verb} export {export} as it is in use by {' and '.join(importers)}.")
    return outputs, exports


def _importers(export: str, exporter: str) -> list[str]:
    others = [(name, stack) for name, stack in cloudformation._stacks.items() if name != exporter]
    return [
        name
        for name, stack in others
        if "DELETE" not in stack.get("StackStatus", "") and export in handlers._imported_export_names(stack, name)
    ]
