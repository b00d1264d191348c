"""Copies of a world, and numbers that tell whether two worlds, messages or replies are the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from types import MethodType
from typing import Any, TypeVar

from dropforge.workflow.ports import Ports

T = TypeVar("T")
WRITE_ONLY = frozenset({"ports", "wakeups", "creations", "asked", "copies"})
"""What fakes only count, and no use case can read: worlds that differ in nothing else have the same future."""

READ_BY_KEY = frozenset(
    {
        "artifacts", "bindings", "builds", "datasets", "drops", "hashes", "heads", "holds", "images", "latest", "logs",
        "memberships", "object_timers", "pools", "requests", "trails", "versions",
    }
)  # fmt: skip
"""Of these no use case sees in which order they were filled."""


def clone(value: T, made: dict[int, Any] | None = None) -> T:
    """A world of its own: containers and fakes are copied, the values in them, which never change, are shared."""
    made = {} if made is None else made
    if id(value) in made:
        return made[id(value)]  # type: ignore[no-any-return]
    copy: Any = value
    if isinstance(value, dict):
        copy = type(value)()
        copy.update({key: clone(each, made) for key, each in value.items()})
    elif isinstance(value, list | set):
        copy = type(value)(clone(each, made) for each in value)
    elif isinstance(value, Ports):
        copy = replace(value, **{each.name: clone(getattr(value, each.name), made) for each in fields(value)})
    elif isinstance(value, MethodType):
        copy = MethodType(value.__func__, clone(value.__self__, made))
    elif _is_changeable(value):
        copy = object.__new__(type(value))
        made[id(value)] = copy
        vars(copy).update({name: clone(each, made) for name, each in vars(value).items()})
    made[id(value)] = copy
    return copy  # type: ignore[no-any-return]


def _is_frozen(value: object) -> bool:
    parameters = getattr(value, "__dataclass_params__", None)
    return parameters is not None and bool(parameters.frozen)


def _is_changeable(value: object) -> bool:
    """One of the fakes; what stands in them is a value."""
    return type(value).__module__.startswith("tests.") and hasattr(value, "__dict__") and not _is_frozen(value)


@dataclass(frozen=True)
class _Kept:
    value: object  # so that its address is not given to another
    number: int


class Numbering:
    """Equal things get the same number, different things different ones: exact, since nothing is hashed away."""

    def __init__(self) -> None:
        self._numbers: dict[object, int] = {}
        self._by_address: dict[int, _Kept] = {}

    def of(self, value: object) -> int:
        return self.of_token(self._token(value))

    def of_token(self, token: object) -> int:
        return self._numbers.setdefault(token, len(self._numbers))

    def _token(self, value: Any) -> object:
        if isinstance(value, str | int | float | bytes | None):
            return value
        if isinstance(value, tuple | list):
            return tuple([self._token(each) for each in value])
        if isinstance(value, Mapping):
            return type(value).__name__, tuple([(self._token(key), self._token(each)) for key, each in value.items()])
        if _is_frozen(value):
            return self._of_frozen(value)
        return self._members(value)

    def _members(self, value: Any) -> object:
        """Of what is seldom met; an enumeration's member, a time or a number is its own token."""
        if isinstance(value, set | frozenset):
            return frozenset(self._token(each) for each in value)
        if isinstance(value, BaseException):
            return type(value).__name__, str(value), self._token(vars(value))
        if isinstance(value, MethodType):
            return value.__qualname__
        if isinstance(value, partial):
            return value.func.__qualname__, self._token(value.args), self._token(value.keywords)
        if _is_changeable(value):
            members = [(name, self._member(name, each)) for name, each in vars(value).items() if name not in WRITE_ONLY]
            return type(value).__name__, tuple(members)
        return value

    def _member(self, name: str, value: Any) -> object:
        if name not in READ_BY_KEY or not isinstance(value, Mapping):
            return self._token(value)
        return frozenset([(self._token(key), self._token(each)) for key, each in value.items()])

    def _of_frozen(self, value: Any) -> tuple[str, int]:
        """Immutable, so it is looked through once."""
        kept = self._by_address.get(id(value))
        if kept is None:
            members = tuple([self._token(getattr(value, each.name)) for each in fields(value)])
            kept = _Kept(value, self.of_token((type(value).__name__, members)))
            self._by_address[id(value)] = kept
        return "#", kept.number
