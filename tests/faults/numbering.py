"""Numbers that tell whether two worlds, messages, calls or replies are the same, to whoever may look at them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import partial
from types import MappingProxyType, NoneType
from typing import Any, Final, TypeAlias

Token: TypeAlias = object
"""Text, None, a time in UTC, or a tuple that begins with a kind, which nothing else does."""


class _Members(dict[type, "tuple[str, ...] | None"]):
    """The names of a frozen dataclass's members; None of any other kind."""

    def __missing__(self, kind: type) -> tuple[str, ...] | None:
        parameters = vars(kind).get("__dataclass_params__")
        is_frozen = parameters is not None and parameters.frozen
        self[kind] = found = tuple([each.name for each in fields(kind)]) if is_frozen else None
        return found


_MEMBERS = _Members()
_EXACT: Final = frozenset({bool, int, bytes, timedelta, date})
"""Of these kinds, those that are equal are the same."""
_WRITTEN: Final = frozenset({float, Decimal, datetime})
"""Of these some are equal that are not the same, such as 1.0 and 1.00, but not as they are written."""


def is_frozen(value: object) -> bool:
    """A dataclass whose members stay; what is in them may change."""
    return _MEMBERS[type(value)] is not None


def is_plain(value: object) -> bool:
    """A value that holds no other, and never changes."""
    kind = type(value)
    return kind is str or kind is NoneType or kind in _EXACT or kind in _WRITTEN or isinstance(value, Enum)


def members_of(value: object) -> list[object]:
    """Those of a frozen dataclass."""
    return [getattr(value, name) for name in _MEMBERS[type(value)] or ()]


@dataclass(frozen=True)
class _Kept:
    value: object  # so that its address is not given to another
    token: Token


class Numbering:
    """The same things get the same number, different things different ones: exact, since nothing is hashed away.

    Values are the same if they are of one kind and so are their parts: 1 is not True, nor is 1.0 or an enumeration's
    member with that value. Mappings have an order. Only two things do not count: in which order a set was filled, and
    whether two equal values are one object. What is no value, such as a function, an iterator, or a list of a kind of
    its own, is the same as itself alone.
    """

    def __init__(self) -> None:
        self._numbers: dict[Token, int] = {}
        self._by_address: dict[int, _Kept] = {}
        self._tokens: dict[type, Callable[[Any], Token]] = {
            tuple: self._items,
            list: self._items,
            set: self._unordered,
            frozenset: self._unordered,
            dict: self._pairs,
            Counter: self._pairs,
            MappingProxyType: self._pairs,
            partial: self._partial,
        }

    def of(self, value: object, *, is_ordered: bool = True) -> int:
        if is_ordered or not isinstance(value, Mapping):
            return self.of_token(self._token(value))
        pairs = frozenset([(self._token(key), self._token(each)) for key, each in value.items()])
        return self.of_token((type(value), pairs))

    def of_token(self, token: Token) -> int:
        return self._numbers.setdefault(token, len(self._numbers))

    def _token(self, value: Any) -> Token:
        kind = type(value)
        if kind is str or value is None or (kind is datetime and value.tzinfo is UTC):
            return value
        if is_plain(value):
            return kind, repr(value) if kind in _WRITTEN else value
        kept = self._by_address.get(id(value))
        return self._of_parts(value) if kept is None else kept.token

    def _of_parts(self, value: Any) -> Token:
        if (token := self._tokens.get(type(value))) is not None:
            return token(value)
        if is_frozen(value):
            return self._frozen(value)
        return self._error(value) if isinstance(value, BaseException) else self._itself(value)

    def _items(self, value: tuple[Any, ...] | list[Any]) -> Token:
        return type(value), *map(self._token, value)

    def _unordered(self, value: set[Any] | frozenset[Any]) -> Token:
        return type(value), frozenset(map(self._token, value))

    def _pairs(self, value: Mapping[Any, Any]) -> Token:
        return type(value), *[(self._token(key), self._token(each)) for key, each in value.items()]

    def _partial(self, value: partial[Any]) -> Token:
        return partial, *map(self._token, (value.func, value.args, value.keywords, vars(value)))

    def _error(self, value: BaseException) -> Token:
        return type(value), *map(self._token, (value.args, vars(value), value.__cause__))

    def _itself(self, value: object) -> Token:
        return self._kept(value, (_Kept, id(value)))

    def _frozen(self, value: object) -> Token:
        """Looked through once, if nothing in it may change."""
        members = members_of(value)
        token = type(value), *map(self._token, members)
        return self._kept(value, (_Kept, type(value), self.of_token(token))) if self._stay(members) else token

    def _stay(self, values: list[object] | tuple[object, ...]) -> bool:
        """They are for good what they are now; their tokens have been asked for."""
        return all(
            is_plain(each) or id(each) in self._by_address or (type(each) is tuple and self._stay(each))
            for each in values
        )

    def _kept(self, value: object, token: Token) -> Token:
        self._by_address[id(value)] = _Kept(value, token)
        return token
