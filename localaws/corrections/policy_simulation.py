"""SimulatePrincipalPolicy takes the context that it is given, so that conditions are asked about what is really done.

The emulator ignores ContextEntries; `ForAllValues` is true of a key that is missing, so a role limited to one
repository of a connection would be allowed every other. A key of one value is one text, not a list of one, as the
operators without `ForAllValues` compare it.
https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam

from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime

_given: ContextVar[Mapping[str, Any]] = ContextVar("context of a simulation", default=MappingProxyType({}))


def install(_runtime: Runtime) -> None:
    """Read the context with the other parameters, and add it wherever the simulation evaluates a policy."""
    wrap(iam, "_extract_simulate_params", _extract)
    wrap(iam, "_build_simulate_results_real", _simulate)
    wrap(iam_evaluator, "evaluate", _evaluate)


def _extract(emulated: Callable[[dict[str, Any]], Any], parameters: dict[str, Any]) -> Any:
    _given.set(dict(_entries(parameters)))
    return emulated(parameters)


def _simulate(emulated: Callable[..., str], *arguments: Any) -> str:
    try:
        return emulated(*arguments)
    finally:
        _given.set({})


def _evaluate(emulated: Callable[..., Any], context: Any, *rest: Any) -> Any:
    given = _given.get()
    if given:
        context = dataclasses.replace(context, service_context={**context.service_context, **given})
    return emulated(context, *rest)


def _entries(parameters: Mapping[str, Any]) -> list[tuple[str, str | list[str]]]:
    """Return each key, in lower case as the emulator looks it up, with its value, or the values of a list."""
    found: list[tuple[str, str | list[str]]] = []
    number = 1
    while name := _one(parameters, f"ContextEntries.member.{number}.ContextKeyName"):
        values: list[str] = []
        while value := _one(parameters, f"ContextEntries.member.{number}.ContextKeyValues.member.{len(values) + 1}"):
            values.append(value)
        several = _one(parameters, f"ContextEntries.member.{number}.ContextKeyType").endswith("List")
        found.append((name.lower(), values if several or len(values) != 1 else values[0]))
        number += 1
    return found


def _one(parameters: Mapping[str, Any], name: str) -> str:
    value = parameters.get(name, "")
    return str(value[0] if isinstance(value, list) else value)
