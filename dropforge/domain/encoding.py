"""Domain values as JSON documents and back, led by the dataclasses' own annotations.

Times become ISO 8601 in UTC with microseconds (they sort as text), decimals text, enumerations their value; a member
that is None is left out. Decoding is strict: an unknown or missing member, or one of the wrong type, is an
InvalidDocumentError that names its path. Members added later need a default, so that older documents still decode; for
the same reason those that are no longer are named in the dataclass's `FORMER_MEMBERS`, and passed over.
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from dropforge.domain.errors import InvalidDocumentError

T = TypeVar("T")


def encode(value: object) -> object:
    """The value as what `json` writes: None, bool, int, str, list, dict."""
    kind: type = type(value)
    if (fields := _fields(kind)) is not None:
        members = ((name, getattr(value, name)) for name in fields)
        return {name: encode(member) for name, member in members if member is not None}
    match value:
        case Mapping():
            return {str(name): encode(member) for name, member in value.items()}
        case tuple() | list():
            return [encode(item) for item in value]
        case _:
            return _encode_scalar(value)


def encode_object(value: object) -> dict[str, object]:
    """As `encode`, for a dataclass, whose document is always an object."""
    return cast("dict[str, object]", encode(value))


def decode(kind: type[T], document: object) -> T:
    """The `kind` that the document describes; InvalidDocumentError when it describes none."""
    return cast("T", _decode(kind, document, ""))


def time_text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@cache
def _fields(kind: type) -> Mapping[str, dataclasses.Field[Any]] | None:
    """By name, in order; None when it is no dataclass."""
    return {field.name: field for field in dataclasses.fields(kind)} if dataclasses.is_dataclass(kind) else None


@cache
def _annotations(kind: type) -> Mapping[str, object]:
    """Resolved once: to do so, Python compiles each of them, which takes longer than the rest of decoding."""
    return get_type_hints(kind)


def _encode_scalar(value: object) -> object:
    match value:
        case Enum():
            return value.value
        case datetime():
            return time_text(value)
        case Decimal():
            return str(value)
        case None | bool() | int() | str():
            return value
        case _:
            raise InvalidDocumentError(f"a {type(value).__name__} cannot be written to a document: use text")


def _decode(kind: object, value: object, path: str) -> object:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {types.UnionType, Union}:
        inner = next(argument for argument in arguments if argument is not types.NoneType)
        return None if value is None else _decode(inner, value, path)
    if origin is tuple:
        items = _expect(list, value, path, "a list")
        return tuple(_decode(arguments[0], item, f"{path}[{index}]") for index, item in enumerate(items))
    if origin is Mapping:
        members = _expect(dict, value, path, "an object")
        return {name: _decode(arguments[1], member, f"{path}.{name}") for name, member in members.items()}
    if isinstance(kind, type) and (fields := _fields(kind)) is not None:
        return _decode_dataclass(kind, fields, value, path)
    return value if kind is object else _decode_scalar(kind, value, path)


def _decode_dataclass(kind: type, fields: Mapping[str, dataclasses.Field[Any]], value: object, path: str) -> object:
    members, hints = _expect(dict, value, path, "an object"), _annotations(kind)
    former: frozenset[str] = getattr(kind, "FORMER_MEMBERS", frozenset())
    if unknown := sorted(members.keys() - fields.keys() - former, key=str):
        raise InvalidDocumentError(f"{_at(path, unknown[0])} is unknown: remove it; known are {', '.join(fields)}")
    given: dict[str, object] = {}
    for name, field in fields.items():
        if name in members:
            given[name] = _decode(hints[name], members[name], _at(path, name))
        elif types.NoneType in get_args(hints[name]):
            given[name] = None
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InvalidDocumentError(f"{_at(path, name)} is missing: add it")
    return kind(**given)


def _decode_scalar(kind: object, value: object, path: str) -> object:
    if kind is int:
        return _expect(int, value, path, "a whole number")
    if kind is bool:
        return _expect(bool, value, path, "true or false")
    text = _expect(str, value, path, "text")
    try:
        if kind is datetime:
            return datetime.fromisoformat(text)
        return text if kind is str else cast("type", kind)(text)
    except (ValueError, InvalidOperation) as error:
        if isinstance(kind, type) and issubclass(kind, Enum):
            known = ", ".join(str(member.value) for member in kind)
            raise InvalidDocumentError(f"{path} is {text!r}: write one of {known}") from error
        raise InvalidDocumentError(f"{path} is {text!r}, which cannot be read: correct it") from error


def _expect(kind: type[T], value: object, path: str, wanted: str) -> T:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InvalidDocumentError(f"{path or 'the document'} is {value!r}: write {wanted}")
    return value


def _at(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)
