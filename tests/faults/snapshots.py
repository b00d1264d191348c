"""Worlds that are kept and gone back to, and numbers that tell whether two of them are the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import MethodType
from typing import Any, TypeAlias

from dropforge.workflow.ports import Ports
from tests.fakes.world import World
from tests.faults.numbering import Numbering, is_frozen

WRITE_ONLY = frozenset({"dispatches", "seals", "sealed_alone", "signatures", "creations", "asked", "copies"})
"""What fakes only count, and no use case can read: worlds that differ in nothing else have the same future."""

READ_BY_KEY = frozenset(
    {
        "artifacts", "bindings", "builds", "datasets", "drops", "hashes", "heads", "holds", "images", "latest", "logs",
        "memberships", "object_timers", "pools", "requests", "trails", "versions",
    }
)  # fmt: skip
"""Of these no use case sees in which order they were filled."""


_UNKNOWN = object()
_CONTAINERS = (dict, list, set)


@dataclass(frozen=True)
class _Place:
    """A member of one of the fakes. What stands in it is a value, or a container of values, which never change."""

    members: dict[str, Any]
    name: str
    is_counted: bool
    is_ordered: bool
    """It is a mapping in whose order use cases may see it."""


Changes: TypeAlias = tuple[tuple[int, Any, int], ...]
"""Each place that changed, what stands there now, and the number of that."""


class Worlds:
    """One live world, and the states that it was in, by number; equal states have the same number.

    To go back to a state is to put a copy of each container into its place. The fakes and their wiring stay, and
    so does what is known to stand there already.
    """

    def __init__(self, world: World, numbers: Numbering) -> None:
        self._live = world
        self._numbers = numbers
        self._places = list(_places(world, set()))
        self._kept: dict[int, tuple[tuple[Any, ...], tuple[int, ...]]] = {}
        self._seen: dict[str, tuple[int, ...]] = {}
        self._standing: list[object] = [_UNKNOWN] * len(self._places)
        self._is_let_go = False
        values = tuple([each.members[each.name] for each in self._places])
        tokens = tuple([self._number(place, value) for place, value in zip(self._places, values, strict=True)])
        self.first = self._keep(values, tokens)

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[int]:
        return iter(self._kept)

    def back_to(self, number: int) -> World:
        """The live world, in that state until the next call of this."""
        if self._is_let_go:  # and nobody has looked at what became of it
            self._standing = [_UNKNOWN] * len(self._places)
        for at, value in enumerate(self._kept[number][0]):
            if value is not self._standing[at]:
                place = self._places[at]
                place.members[place.name] = _copy(value)
                self._standing[at] = value
        self._is_let_go = True
        return self._live

    def seen_by(self, port: str, number: int) -> tuple[int, ...]:
        """All that a port's methods can reach of that state, and the time: what they do depends on nothing else."""
        if port not in self._seen:
            fakes = getattr(self._live.ports, port), self._live.clock
            seen = {(id(each.members), each.name) for fake in fakes for each in _places(fake, set())}
            at = [(id(each.members), each.name) in seen for each in self._places]
            self._seen[port] = tuple([place for place, is_seen in enumerate(at) if is_seen])
        tokens = self._kept[number][1]
        return tuple([tokens[at] for at in self._seen[port]])

    def changes_by(self, port: str, before: int, after: int) -> Changes:
        """All that counts of what that port's methods changed."""
        (_, tokens), (values, tokens_after) = self._kept[before], self._kept[after]
        pairs = enumerate(zip(tokens, tokens_after, strict=True))
        changes = tuple([(at, values[at], token) for at, (was, token) in pairs if token != was])
        assert {at for at, *_ in changes} <= set(self._seen[port]), f"{port} changed what it cannot reach"
        return changes

    def with_changes(self, number: int, changes: Changes) -> int:
        """The state that differs from that one in so much."""
        if not changes:
            return number
        values, tokens = map(list, self._kept[number])
        for at, value, token in changes:
            values[at], tokens[at] = value, token
        return self._keep(tuple(values), tuple(tokens))

    def changed_from(self, number: int) -> int:
        """The state that the live world is in, which went back to that one and then on: the same when nothing that
        counts changed.
        """
        before, tokens = self._kept[number]
        values, after = list(before), list(tokens)
        for at, place in enumerate(self._places):
            value, was = place.members[place.name], before[at]
            if value is not was and (value != was or (place.is_ordered and list(value) != list(was))):
                values[at], after[at] = value, self._number(place, value)
                self._standing[at] = _UNKNOWN
        self._is_let_go = False
        return self._keep(tuple(values), tuple(after))

    def _keep(self, values: tuple[Any, ...], tokens: tuple[int, ...]) -> int:
        number = self._numbers.of_token(("world", tokens))
        self._kept.setdefault(number, (values, tokens))
        return number

    def _number(self, place: _Place, value: object) -> int:
        return self._numbers.of(value, is_ordered=place.name not in READ_BY_KEY) if place.is_counted else 0


def _places(fake: object, seen: set[int]) -> Iterator[_Place]:
    seen.add(id(fake))
    for name, member in vars(fake).items():
        value = member.__self__ if isinstance(member, MethodType) else member
        if _is_changeable(value):
            if id(value) not in seen:
                yield from _places(value, seen)
        elif not callable(value) and not isinstance(value, Ports):
            is_ordered = isinstance(value, dict) and name not in READ_BY_KEY
            yield _Place(vars(fake), name, name not in WRITE_ONLY, is_ordered)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        copy = value.copy()
        for key, each in value.items():
            if isinstance(each, _CONTAINERS):
                copy[key] = _copy(each)
        return copy
    return value.copy() if isinstance(value, _CONTAINERS) else value


def _is_changeable(value: object) -> bool:
    """One of the fakes; what stands in them is a value."""
    return type(value).__module__.startswith("tests.") and hasattr(value, "__dict__") and not is_frozen(value)
