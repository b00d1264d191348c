"""Domain values as JSON documents and back, led by the dataclasses' own annotations.

Times become ISO 8601 in UTC with microseconds (they sort as text), decimals text, enumerations their value; a member
that is None is left out. Decoding is strict: an unknown or missing member, or one of the wrong type, is an
InvalidDocumentError that names its path. Members added later need a default, so that older documents still decode; for
the same reason those that are no longer are named in the dataclass's `FORMER_MEMBERS`, and passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache, partial
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Final, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from dropforge.domain.errors import InvalidDocumentError

T = TypeVar("T")
Writer: TypeAlias = Callable[[Any], object]
Reader: TypeAlias = Callable[[object, str], object]
"""Takes what is in the document, and the path at which it stands there."""


def encode(value: object) -> object:
    """The value as what `json` writes: None, bool, int, str, list, dict."""
    kind: type = type(value)
    return _writer(kind)(value)


def encode_object(value: object) -> dict[str, object]:
    """As `encode`, for a dataclass, whose document is always an object."""
    return cast("dict[str, object]", encode(value))


def decode(kind: type[T], document: object) -> T:
    """The `kind` that the document describes; InvalidDocumentError when it describes none."""
    return cast("T", _reader(cast("type", kind))(document, ""))


def time_text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@cache
def _writer(kind: type) -> Writer:
    """Found once for each type: every event and record is written with the same few."""
    if is_dataclass(kind):
        return partial(_write_members, tuple(field.name for field in fields(kind)))
    for known, writer in _WRITERS.items():
        if issubclass(kind, known):
            return writer
    raise InvalidDocumentError(f"a {kind.__name__} cannot be written to a document: use text")


def _write_members(names: tuple[str, ...], value: object) -> dict[str, object]:
    return {name: encode(member) for name in names if (member := getattr(value, name)) is not None}


def _write_mapping(value: Mapping[object, object]) -> dict[str, object]:
    return {str(name): encode(member) for name, member in value.items()}


def _write_items(value: Sequence[object]) -> list[object]:
    return [encode(item) for item in value]


def _write_enum(value: Enum) -> object:
    return value.value


def _as_it_is(value: object) -> object:
    return value


_WRITERS: Final[Mapping[type, Writer]] = MappingProxyType(
    {
        Mapping: _write_mapping,
        tuple: _write_items,
        list: _write_items,
        Enum: _write_enum,
        datetime: time_text,
        Decimal: str,
        NoneType: _as_it_is,
        int: _as_it_is,
        str: _as_it_is,
    }
)
"""By the type, or the first here that it derives from: an enumeration of texts is an Enum before it is text."""


@cache
def _reader(kind: object) -> Reader:
    """Found once for each annotation, as a writer is."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {UnionType, Union}:
        return partial(_read_optional, _reader(next(each for each in arguments if each is not NoneType)))
    if origin is tuple:
        return partial(_read_items, _reader(arguments[0]))
    if origin is Mapping:
        return partial(_read_mapping, _reader(arguments[1]))
    if isinstance(kind, type) and is_dataclass(kind):
        return partial(_read_dataclass, kind)
    return _READERS[kind] if kind in _READERS else partial(_read_text, cast("type", kind))


def _read_optional(read: Reader, value: object, path: str) -> object:
    return None if value is None else read(value, path)


def _read_items(read: Reader, value: object, path: str) -> object:
    items = _expect(list, "a list", value, path)
    return tuple([read(item, f"{path}[{index}]") for index, item in enumerate(items)])


def _read_mapping(read: Reader, value: object, path: str) -> object:
    members = _expect(dict, "an object", value, path)
    return {name: read(member, f"{path}.{name}") for name, member in members.items()}


@dataclass(frozen=True)
class _Member:
    """How a dataclass's member is read, and what it means that a document has none of it."""

    read: Reader
    may_be_none: bool
    has_default: bool

    @classmethod
    def of(cls, field: Field[Any], annotation: object) -> _Member:
        has_default = field.default is not MISSING or field.default_factory is not MISSING
        return cls(_reader(annotation), NoneType in get_args(annotation), has_default)


@cache
def _members(kind: type) -> Mapping[str, _Member]:
    """By name, in order. To resolve annotations Python compiles them, which takes longer than the rest of decoding."""
    annotations = get_type_hints(kind)
    return {field.name: _Member.of(field, annotations[field.name]) for field in fields(kind)}


def _read_dataclass(kind: type, value: object, path: str) -> object:
    given, known = _expect(dict, "an object", value, path), _members(kind)
    former: frozenset[str] = getattr(kind, "FORMER_MEMBERS", frozenset())
    if unknown := sorted(given.keys() - known.keys() - former, key=str):
        raise InvalidDocumentError(f"{_at(path, unknown[0])} is unknown: remove it; known are {', '.join(known)}")
    read: dict[str, object] = {}
    for name, member in known.items():
        if name in given:
            read[name] = member.read(given[name], _at(path, name))
        elif member.may_be_none:
            read[name] = None
        elif not member.has_default:
            raise InvalidDocumentError(f"{_at(path, name)} is missing: add it")
    return kind(**read)


def _read_text(kind: type, value: object, path: str) -> object:
    """What its own type makes of a text."""
    text = _expect(str, "text", value, path)
    try:
        return datetime.fromisoformat(text) if kind is datetime else kind(text)
    except (ValueError, InvalidOperation) as error:
        if issubclass(kind, Enum):
            known = ", ".join(str(member.value) for member in kind)
            raise InvalidDocumentError(f"{path} is {text!r}: write one of {known}") from error
        raise InvalidDocumentError(f"{path} is {text!r}, which cannot be read: correct it") from error


def _read_anything(value: object, path: str) -> object:  # noqa: ARG001
    return value


def _expect(kind: type[T], wanted: str, value: object, path: str) -> T:
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise InvalidDocumentError(f"{path or 'the document'} is {value!r}: write {wanted}")
    return value


_READERS: Final[Mapping[object, Reader]] = MappingProxyType(
    {
        object: _read_anything,
        int: partial(_expect, int, "a whole number"),
        bool: partial(_expect, bool, "true or false"),
        str: partial(_expect, str, "text"),
    }
)
"""Of what JSON has a type for."""


def _at(path: str, name: object) -> str:
    return f"{path}.{name}" if path else str(name)
