"""Where a use case stands is told only where nothing is hidden that decides what it does next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from types import FrameType
from typing import TypeAlias

import pytest

from dropforge.workflow.ports import Ports
from tests.fakes.world import World
from tests.faults.standing import Standing, standing
from tests.faults.suspension import Call, Done, Rehearsal, Reply

UseCase: TypeAlias = Callable[..., object]


def standings(use_case: UseCase, known: object = "a") -> list[Standing | None]:
    """Of each of its calls."""

    def onward(call: Call, frames: Sequence[FrameType]) -> Reply:
        found.append(standing(frames, call.method))
        return call.make(ports)

    found: list[Standing | None] = []
    ports = World().ports
    assert Rehearsal(ports).run(partial(use_case, known=known), (), onward) == Done()
    return found


def by_itself(ports: Ports, known: object) -> object:
    ports.clock.now()
    return known


def for_a_name(ports: Ports, known: object) -> object:
    now = ports.clock.now()
    return now, known


def as_what_is_returned(ports: Ports, known: object) -> object:  # noqa: ARG001
    return ports.clock.now()


def as_one_of_two(ports: Ports, known: object) -> object:
    now = ports.clock.now() if known else None
    return now, known


def as_a_condition(ports: Ports, known: object) -> object:
    if not ports.store.run("a"):
        return known
    return None


def as_what_may_fail(ports: Ports, known: object) -> object:
    try:
        ports.clock.now()
    except ValueError:
        return known
    return None


def below_another(ports: Ports, known: object) -> object:
    first = for_a_name(ports, known)
    return first, known


def in_a_loop(ports: Ports, known: object) -> object:
    for _ in range(1):
        ports.clock.now()
    return known


def in_a_while(ports: Ports, known: object) -> object:
    while known:
        now = ports.clock.now()
        known = None
    return now


def in_a_with(ports: Ports, known: object) -> object:
    with nullcontext():
        ports.clock.now()
    return known


def while_an_error_is_handled(ports: Ports, known: object) -> object:
    try:
        int("a")
    except ValueError:
        ports.clock.now()
    return known


def before_an_error_goes_on(ports: Ports, known: object) -> object:
    try:
        return known
    finally:
        ports.clock.now()


def as_a_part(ports: Ports, known: object) -> object:
    return known, ports.clock.now()


def in_a_list(ports: Ports, known: object) -> object:
    times = [ports.clock.now() for _ in "a"]
    return times, known


def through_what_is_written_in_c(ports: Ports, known: object) -> object:
    runs = tuple(map(ports.store.run, ("a",)))
    return runs, known


def by_another_name(ports: Ports, known: object) -> object:
    otherwise = ports.clock.now
    now = otherwise()
    return now, known


def into_a_place(ports: Ports, known: object) -> object:
    found = dict[object, object]()
    found[known] = ports.clock.now()
    return found


def step_by_step(ports: Ports, known: object) -> object:
    return next(_steps(ports, known))


def _steps(ports: Ports, known: object) -> Iterator[object]:
    now = ports.clock.now()
    yield now, known


TOLD = (by_itself, for_a_name, as_what_is_returned, as_one_of_two, as_a_condition, as_what_may_fail, below_another)
HIDDEN = (
    in_a_loop, in_a_while, in_a_with, while_an_error_is_handled, before_an_error_goes_on, as_a_part, in_a_list,
    through_what_is_written_in_c, by_another_name, into_a_place, step_by_step,
)  # fmt: skip


@pytest.mark.parametrize("use_case", TOLD)
def test_it_is_told_where_each_frame_has_names_alone(use_case: UseCase) -> None:
    found = standings(use_case, "a")
    assert found[-1] is not None
    assert found == standings(use_case, "a")


@pytest.mark.parametrize("use_case", HIDDEN)
def test_it_is_not_told_where_a_frame_may_hold_more(use_case: UseCase) -> None:
    assert standings(use_case, "a") == [None]


def remembering(ports: Ports, known: object) -> object:
    ports.clock.now()
    ports.clock.now()
    return known


def forgetting(ports: Ports, known: object) -> None:
    if known:
        ports.clock.now()
    ports.clock.now()


def test_what_a_name_holds_counts_as_long_as_it_is_written_behind_the_call() -> None:
    assert standings(remembering, "a")[-1] != standings(remembering, "b")[-1]
    assert standings(forgetting, "a")[-1] == standings(forgetting, "")[-1]


def test_the_first_of_two_equal_calls_is_another_place_than_the_second() -> None:
    first, second = standings(remembering, "a")
    assert first != second


def sharing(ports: Ports, known: list[list[str]]) -> object:
    one, other = known
    ports.clock.now()
    one.append("a")
    return other


def test_two_names_of_one_list_are_something_else_than_two_lists() -> None:
    one: list[str] = []
    assert standings(sharing, [one, one]) != standings(sharing, [one, []])


def test_an_iterator_is_equal_to_itself_alone() -> None:
    assert standings(by_itself, iter("a")) != standings(by_itself, iter("a"))
