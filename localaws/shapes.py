"""Checks JSON values against botocore's service models, which are generated from AWS's own API definitions.

botocore's ParamValidator leaves lengths' upper bounds, patterns and enumerations to the service. This is the service.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
from botocore.model import ServiceModel, Shape

_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list,),
    "string": (str,),
    "character": (str,),
    "blob": (str, bytes),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float, dt.datetime),
}


@functools.cache
def service_model(service: str) -> ServiceModel:
    """Return botocore's model of a service, by its botocore name."""
    return botocore.session.get_session().get_service_model(service)


def violations(value: Any, shape: Shape | None, path: str = "") -> list[str]:
    """Say, a sentence each and in AWS's own form, where a JSON value breaks its shape; empty if nowhere.

    Members that the shape does not have are violations too, which is stricter than AWS and catches typing errors.
    """
    if shape is None:
        return [f"Unknown parameter: {name}" for name in value or {}]
    return list(_violations(value, shape, path))


def _violations(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if not _has_type(value, _PYTHON_TYPES[shape.type_name]):
        yield f"Value '{value}' at '{path}' failed to satisfy constraint: Member must be a {shape.type_name}"
        return
    yield from (f"Value '{value}' at '{path}' failed to satisfy constraint: {rule}" for rule in _broken(value, shape))
    model: Any = shape
    if shape.type_name == "structure":
        yield from _structure(value, model, path)
    elif shape.type_name == "list":
        for number, item in enumerate(value, start=1):
            yield from _violations(item, model.member, f"{path}.{number}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _violations(key, model.key, f"{path}.{key}.key")
            yield from _violations(item, model.value, f"{path}.{key}.value")


def _has_type(value: Any, expected: tuple[type, ...]) -> bool:
    return isinstance(value, expected) and (not isinstance(value, bool) or bool in expected)


def _structure(value: Mapping[str, Any], shape: Any, path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
    for name, item in value.items():
        if name not in shape.members:
            yield f"Unknown parameter: {_join(path, name)}"
        elif item is not None:
            yield from _violations(item, shape.members[name], _join(path, name))


def _broken(value: Any, shape: Shape) -> Iterator[str]:
    """Yield the constraints of the shape itself that the value breaks."""
    limits: Mapping[str, Any] = shape.metadata
    if shape.type_name in {"string", "list", "map", "blob"}:
        size, what = len(value), "length"
    elif shape.type_name in {"integer", "long", "float", "double"}:
        size, what = value, "value"
    else:
        return
    if "min" in limits and size < limits["min"]:
        yield f"Member must have {what} greater than or equal to {limits['min']}"
    if "max" in limits and size > limits["max"]:
        yield f"Member must have {what} less than or equal to {limits['max']}"
    if limits.get("enum") and value not in limits["enum"]:
        yield f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"
    if shape.type_name == "string" and "pattern" in limits and not pattern(limits["pattern"]).fullmatch(value):
        yield f"Member must satisfy regular expression pattern: {limits['pattern']}"


@functools.cache
def pattern(source: str) -> re.Pattern[str]:
    """Compile a pattern of a service model, written in Java's dialect, for matching a whole string."""
    translated = re.sub(r"\\p\{(\w)\w*\}", _unicode_class, source)
    return re.compile(translated.replace(r"\p{Alnum}", "a-zA-Z0-9"))


def _unicode_class(match: re.Match[str]) -> str:
    """Return what comes nearest to a Unicode category inside a class; Python's `re` has no categories."""
    return {"L": r"\w", "M": "\u0300-\u036f", "Z": r"\s", "N": r"\d", "A": "a-zA-Z0-9"}.get(match[1], r"\W")


def _join(path: str, name: str) -> str:
    """Return the path of a member as AWS writes it: camel case, dots between."""
    camel = name[:1].lower() + name[1:]
    return f"{path}.{camel}" if path else camel
