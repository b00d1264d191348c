"""Small use cases that ask one thing, are told one of two replies, and then go on with or without it.

Where their deliveries have to stay apart, each holds what tells them apart in a place of its own kind.
"""
# Names that are bound and forgotten again are what these are about.
# ruff: noqa: ARG001, F841, PLW0642, RET504

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from decimal import Decimal
from functools import partial, reduce
from types import MappingProxyType
from typing import Any, TypeAlias

from dropforge.domain.run import RunStatus

UseCase: TypeAlias = Callable[[Any], object]


@dataclass(frozen=True)
class Case:
    use_case: UseCase
    replies: tuple[Any, Any]
    is_one: bool
    """After some call."""


CASES: list[Case] = []


def one(*replies: Any) -> Callable[[UseCase], UseCase]:
    """Once it has gone on, it does not matter which of the two it was told."""
    return partial(_noted, replies, True)


def apart(*replies: Any) -> Callable[[UseCase], UseCase]:
    """It matters until the end, or nobody can tell whether it does."""
    return partial(_noted, replies, False)


def _noted(replies: tuple[Any, Any], is_one: bool, use_case: UseCase) -> UseCase:
    CASES.append(Case(use_case, replies, is_one))
    return use_case


# The form of a call.


@one("a", "b")
def by_itself(ports: Any) -> None:
    found = ports.store.run("a")
    ports.clock.now()


@one("a", "b")
def for_a_name(ports: Any) -> None:
    found = ports.store.run("a")
    now: object = ports.clock.now()
    ports.store.run(now)


@one("a", "b")
def as_what_is_returned(ports: Any) -> object:
    found = ports.store.run("a")
    return ports.clock.now()


@one("a", "b")
def as_one_of_two(ports: Any) -> None:
    found = ports.store.run("a")
    now = ports.clock.now() if found else None
    ports.store.run(now)


@one("a", "b")
def as_a_condition(ports: Any) -> None:
    found = ports.store.run("a")
    if not ports.clock.now():
        ports.store.run("b")


@one("a", "b")
def as_what_may_fail(ports: Any) -> None:
    found = ports.store.run("a")
    try:
        ports.clock.now()
    except ValueError:
        ports.store.run("b")


def _asking(ports: Any, known: object) -> object:
    now = ports.clock.now()
    return now


@one("a", "b")
def below_another(ports: Any) -> None:
    found = ports.store.run("a")
    now = _asking(ports, found)
    ports.store.run(now)


@apart("a", "")
def in_one_place_or_another(ports: Any) -> None:
    if ports.store.run("a"):
        ports.clock.now()
        ports.store.run("b")
        return
    ports.clock.now()
    ports.store.run("c")


@apart("a", "b")
def with_what_it_was_told(ports: Any) -> None:
    found = ports.store.run("a")
    ports.store.run(found)


@apart("a", "bb")
def in_a_loop(ports: Any) -> None:
    for _ in ports.store.run("a"):
        ports.clock.now()


@apart("a", "bb")
def in_a_while(ports: Any) -> None:
    found = ports.store.run("a")
    while found:
        found = found[1:]
        ports.clock.now()


@apart("a", "b")
def in_a_with(ports: Any) -> None:
    found = ports.store.run("a")
    with nullcontext():
        ports.clock.now()


@apart("a", "b")
def while_an_error_is_handled(ports: Any) -> None:
    found = ports.store.run("a")
    try:
        int(found)
    except ValueError:
        ports.clock.now()
        raise


@apart("a", "b")
def before_it_returns(ports: Any) -> object:
    found = ports.store.run("a")
    try:
        return found
    finally:
        ports.clock.now()


@apart("a", "b")
def as_a_part(ports: Any) -> None:
    found = ports.store.run("a")
    pair = found, ports.clock.now()
    ports.store.run(pair)


@apart(("a",), "a")
def as_what_is_added(ports: Any) -> None:
    found = ports.store.run("a")
    found += ports.clock.now()


@apart((), ("later",))
def as_what_is_compared(ports: Any) -> None:
    found = ports.store.run("a")
    is_same = found == ports.clock.now()
    ports.store.run(is_same)


@apart("", ())
def as_an_alternative(ports: Any) -> None:
    found = ports.store.run("a")
    now = found or ports.clock.now()


@apart("a", "bb")
def in_a_list(ports: Any) -> None:
    found = ports.store.run("a")
    [ports.clock.now() for _ in found]


@apart("a", "bb")
def through_what_is_written_in_c(ports: Any) -> None:
    found = ports.store.run("a")
    tuple(map(ports.store.run, "c" * len(found)))


@apart("a", "bb")
def below_what_is_written_in_c(ports: Any) -> None:
    found = ports.store.run("a")
    tuple(map(_step, found, [ports] * len(found)))


@apart("a", "bb")
def through_a_method_that_is_written_in_c(ports: Any) -> None:
    found = ports.store.run("a")
    "".join(map(ports.store.run, "c" * len(found)))


def _step(_: object, ports: Any) -> None:
    ports.clock.now()


@apart("a", "bb")
def through_a_name_of_its_own(ports: Any) -> None:
    found = ports.store.run("a")
    _step = partial(reduce, globals()["_step"])
    _step([ports] * len(found), None)


@apart("a", "b")
def by_another_name(ports: Any) -> None:
    found = ports.store.run("a")
    otherwise = ports.clock.now
    otherwise()


@apart("a", "b")
def into_a_place(ports: Any) -> None:
    places: dict[object, object] = {}
    found = ports.store.run("a")
    places[found] = ports.clock.now()
    ports.store.run(str(places))


def _steps(first: object, ports: Any) -> Iterator[object]:
    yield first
    ports.clock.now()
    yield ports


@apart("a", "b")
def step_by_step(ports: Any) -> None:
    found = ports.store.run("a")
    first, _ = _steps(found, ports)
    ports.store.run(first)


@apart("a", "b")
def unpacked_by_a_star(ports: Any) -> None:
    found = ports.store.run("a")
    steps = _steps(*_steps(found, ports))
    ports.store.run(next(steps))


def _names(self: Any) -> tuple[str, ...]:
    self.ports.clock.now()
    return ("self",)


@dataclass(frozen=True)
class _Names:
    ports: Any
    known: object

    keys = _names

    def __getitem__(self, _: str) -> object:
        self.ports.store.run(self.known)
        return self


@apart("a", "b")
def unpacked_by_two_stars(ports: Any) -> None:
    found = ports.store.run("a")
    _names(**_Names(ports, found))


# What names hold, and what is not written by its name.


@apart("a", "b")
def in_a_name(ports: Any) -> None:
    found = ports.store.run("a")
    ports.clock.now()
    ports.store.run(found)


@apart("a", "")
def in_whether_a_name_is_bound(ports: Any) -> None:
    if ports.store.run("a"):
        bound = None
    ports.clock.now()
    ports.store.run(bound)


@apart("a", "b")
def in_all_names(ports: Any) -> None:
    found = ports.store.run("a")
    ports.clock.now()
    ports.store.run(locals()["found"])


class _Above:
    said = "a"

    def say(self, ports: Any) -> None:
        ports.store.run(self.said)


class _Below(_Above):
    def by_super(self, ports: Any) -> None:
        if ports.store.run("a"):
            self = _FurtherBelow()
        ports.clock.now()
        super().say(ports)

    def in_a_mangled_name(self, ports: Any) -> None:
        __found = ports.store.run("a")
        ports.clock.now()
        ports.store.run(__found)


class _FurtherBelow(_Below):
    said = "b"


apart("a", "")(_Below().by_super)
apart("a", "b")(_Below().in_a_mangled_name)


# Values that are equal, and yet not the same.


@apart(True, 1)
def in_a_truth(ports: Any) -> None:
    found = ports.store.run("a")
    ports.clock.now()
    ports.store.run(str(found))


@apart(RunStatus.SUPERSEDED, RunStatus.SUPERSEDED.value)
def in_a_member(ports: Any) -> None:
    found = ports.store.run("a")
    ports.clock.now()
    ports.store.run(repr(found))


@apart(Decimal("1.0"), Decimal("1.00"))
def in_a_number(ports: Any) -> None:
    found = ports.store.run("a")
    ports.clock.now()
    ports.store.run(str(found))


@apart(0.0, -0.0)
def in_a_sign(ports: Any) -> None:
    found = ports.store.run("a")
    ports.clock.now()
    ports.store.run(str(found))


@apart([["a"]], [("a",)])
def in_a_list_that_it_is_told(ports: Any) -> None:
    found = ports.store.run("a")
    ports.store.run(str(found))


def _caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def _describing_an_error(ports: Any) -> None:
    try:
        ports.store.run("a")
    except ValueError as error:
        described = repr(error), repr(error.__cause__)
    ports.store.run(described)


apart(ValueError(1), ValueError("1"))(_describing_an_error)
apart(ValueError(1), _caused(ValueError(1), KeyError("a")))(_describing_an_error)


# Values that may change, or that hold such.


@dataclass(frozen=True)
class Box:
    items: list[object]


class _Labelled(Box):
    label = "a"


@one("a", "b")
def in_no_list_that_is_left(ports: Any) -> None:
    found = ports.store.run("a")
    held: list[object] = []
    ports.clock.now()
    held.append("a")
    ports.store.run(str(held))


@one("a", "b")
def in_no_box_that_is_left(ports: Any) -> None:
    found = ports.store.run("a")
    box = Box([{"a": None}])
    ports.clock.now()
    ports.store.run(str(box))


@apart("a", "")
def in_a_box(ports: Any) -> None:
    box = Box([])
    found = ports.store.run("a")
    if found:
        box.items.append(found)
    found = None
    ports.clock.now()
    ports.store.run(str(box.items))


@apart("a", "")
def in_a_box_that_was_asked_with(ports: Any) -> None:
    box = Box([])
    found = ports.store.run(box)
    if found:
        box.items.append(found)
    ports.store.run(box)
    ports.store.run(str(box))


@apart("a", "")
def in_a_box_seen_before(ports: Any) -> None:
    box = Box([])
    found = ports.store.run("a")
    ports.clock.now()
    if found:
        box.items.append(found)
    found = None
    ports.clock.now()
    ports.store.run(str(box.items))


@apart("a", "b")
def in_a_box_with_a_label(ports: Any) -> None:
    box = _Labelled([])
    object.__setattr__(box, "label", ports.store.run("a"))
    ports.clock.now()
    ports.store.run(box.label)


@apart("a", "")
def in_two_names_of_a_list(ports: Any) -> None:
    held: list[str] = []
    other = held if ports.store.run("a") else []
    ports.clock.now()
    held.append("a")
    ports.store.run(str(other))


@apart("a", "")
def in_two_names_of_a_dict(ports: Any) -> None:
    held: dict[str, str] = {}
    other = held if ports.store.run("a") else {}
    ports.clock.now()
    held["a"] = "a"
    ports.store.run(str(other))


@apart("a", "")
def in_a_name_and_a_tuple_of_a_list(ports: Any) -> None:
    held: list[str] = []
    other = (held if ports.store.run("a") else [],)
    ports.clock.now()
    held.append("a")
    ports.store.run(str(other))


@apart("a", "")
def in_a_name_and_a_dict_of_lists(ports: Any) -> None:
    group: dict[str, list[str]] = {"a": []}
    current = group["a"] if ports.store.run("a") else []
    ports.clock.now()
    current.append("a")
    ports.store.run(str(group))


@apart("a", "")
def in_a_view(ports: Any) -> None:
    held: dict[str, str] = {}
    view: Mapping[str, str] = MappingProxyType(held if ports.store.run("a") else {})
    ports.clock.now()
    held["a"] = "a"
    ports.store.run(str(view))


@apart("a", "")
def in_a_partial(ports: Any) -> None:
    held: list[str] = []
    put = partial(list.append, held if ports.store.run("a") else [])
    ports.clock.now()
    put("a")
    ports.store.run(str(held))


@apart("a", "")
def in_a_dict_of_a_kind_of_its_own(ports: Any) -> None:
    held: dict[str, object] = defaultdict(list if ports.store.run("a") else str)
    ports.clock.now()
    ports.store.run(str(held["a"]))


@apart((8, 0), (0, 8))
def in_the_order_of_a_set(ports: Any) -> None:
    held = set(ports.store.run("a"))
    ports.clock.now()
    ports.store.run(str([*held]))


@apart("a", "b")
def in_an_iterator(ports: Any) -> None:
    held = iter(ports.store.run("a"))
    ports.clock.now()
    ports.store.run(next(held))


@apart("a", "b")
def in_an_object_with_a_state(ports: Any) -> None:
    held = deque(ports.store.run("a"))
    ports.clock.now()
    ports.store.run(held.pop())


@apart("a", "b")
def in_an_error(ports: Any) -> None:
    held = ValueError(ports.store.run("a"))
    ports.clock.now()
    ports.store.run(repr(held))


@apart("a", "b")
def in_a_function(ports: Any) -> None:
    found = ports.store.run("a")

    def held() -> object:
        return found

    ports.clock.now()
    ports.store.run(held())
