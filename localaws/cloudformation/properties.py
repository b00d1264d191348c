"""CloudFormation's properties as a service's API wants them, by the service's own model.

CloudFormation writes PascalCase and takes numbers and booleans as text; APIs write camelCase and do not. botocore's
model of the request knows every name and type, so that no table of them is kept here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from localaws.service import ServiceError


def to_request(properties: Mapping[str, Any], shape: Shape | None) -> dict[str, Any]:
    """The properties as the structure `shape`; raises ServiceError for a property that it does not have."""
    return _structure(properties, shape, "Properties")


def _convert(value: Any, shape: Shape, path: str) -> Any:
    by_type: Mapping[str, Callable[[Any, Any, str], Any]] = {
        "structure": _structure,
        "list": _list,
        "map": _map,
        "integer": _number,
        "long": _number,
        "boolean": _boolean,
        "string": _text,
    }
    convert = by_type.get(shape.type_name)
    return value if convert is None else convert(value, shape, path)


def _structure(value: Any, shape: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not isinstance(shape, StructureShape):
        raise _invalid(path, "must be an object")
    members = {name.lower(): name for name in shape.members}
    converted: dict[str, Any] = {}
    for name, item in value.items():
        member = members.get(name.lower())
        if member is None:
            raise _invalid(f"{path}/{name}", "is no property of this resource: remove it")
        if item is not None:
            converted[member] = _convert(item, shape.members[member], f"{path}/{name}")
    return converted


def _list(value: Any, shape: ListShape, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise _invalid(path, "must be a list")
    return [_convert(item, shape.member, f"{path}/{position}") for position, item in enumerate(value)]


def _map(value: Any, shape: MapShape, path: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _invalid(path, "must be an object")
    return {str(name): _convert(item, shape.value, f"{path}/{name}") for name, item in value.items()}


def _number(value: Any, shape: Shape, path: str) -> int:
    del shape
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise _invalid(path, f"must be a number, not {value!r}") from error


def _boolean(value: Any, shape: Shape, path: str) -> bool:
    del shape
    text = str(value).lower()
    if text not in {"true", "false"}:
        raise _invalid(path, f"must be true or false, not {value!r}")
    return text == "true"


def _text(value: Any, shape: Shape, path: str) -> str:
    del shape, path
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


def _invalid(path: str, what: str) -> ServiceError:
    return ServiceError("ValidationError", f"{path} {what}.")
