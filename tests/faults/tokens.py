"""A schedule as a token, `<history>:<steps>`: found for what breaks a promise, and told step by step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import ge

from tests.faults.invariants import ViolationError
from tests.faults.schedules import AGAIN, Point, Schedules
from tests.faults.unfolding import Left, State


def token(name: str, schedules: Schedules, through: Sequence[tuple[State, Left]]) -> str:
    """The shortest schedule that leads through these states, and from the last, with no more crashes, to what breaks a
    promise.
    """
    letters, point = "", schedules.first._replace(left=through[0][1])
    for state, left in through:
        found, point = _way(schedules, point, left, state)
        letters += found
    return f"{name}:{letters}{_way(schedules, point, point.left, None)[0]}"


def _way(schedules: Schedules, start: Point, least: Left, goal: State | None) -> tuple[str, Point]:
    ways, ahead = {start: ""}, [start]
    for point in ahead:
        if point.left == least and schedules.unfolding.state(*point[:4]) == goal:
            return ways[point], point
        for letter in schedules.letters(point):
            try:
                after = schedules.after(point, letter)
            except ViolationError:
                return ways[point] + letter, point
            if after not in ways and all(map(ge, after.left, least)):
                ways[after] = ways[point] + letter
                ahead.append(after)
    raise AssertionError("no schedule leads there")


def replay(schedules: Schedules, steps: str) -> Iterator[str]:
    """One schedule, a line for each step; ValueError at a step that cannot follow."""
    point = schedules.first
    for letter in steps:
        doing = _describe(schedules, point, letter)
        if letter not in schedules.letters(point):
            raise ValueError(f"{letter!r} is no step that can follow here; {doing}")
        yield f"{letter}  {doing}"
        point = schedules.after(point, letter)


def _describe(schedules: Schedules, point: Point, letter: str) -> str:
    unfolding = schedules.unfolding
    if letter == "n" and point.act < unfolding.last_act:
        return f"next: {unfolding.history.acts[point.act + 1].__name__.replace('_', ' ')}"
    delivery = point.named(letter)
    if delivery is None:
        return "nothing of that name is under way"
    if letter in AGAIN:
        return f"{unfolding.happening.name(delivery)} is delivered again"
    return f"{unfolding.happening.describe(point.world, delivery)}{', and is killed' * letter.isupper()}"
