from __future__ import annotations

import pytest

from dropforge.domain.errors import DropforgeError
from dropforge.workflow.failures import TOLD, Failures
from tests.fakes.interruption import CutOff


class NotAllError(DropforgeError):
    pass


def test_what_fails_for_some_is_told_together_once_all_had_their_turn() -> None:
    failures, done = Failures(), list[str]()
    for name, error in (("a", OSError("reset")), ("b", None), ("c", TimeoutError())):
        with failures.kept(name):
            if error is not None:
                raise error
            done.append(name)
    assert done == ["b"]
    with pytest.raises(NotAllError, match=r"^not all: a: reset; c: TimeoutError$") as raised:
        failures.raise_as(NotAllError, "not all")
    assert isinstance(raised.value.__cause__, ExceptionGroup)
    assert [type(each) for each in raised.value.__cause__.exceptions] == [OSError, TimeoutError]


def test_nothing_is_raised_when_all_went_well() -> None:
    failures = Failures()
    with failures.kept("a"):
        pass
    failures.raise_as(NotAllError, "not all")


def test_of_very_many_failures_a_few_are_named_and_the_others_counted() -> None:
    failures = Failures()
    for number in range(TOLD + 200):
        with failures.kept(f"run {number}"):
            raise OSError("reset")
    with pytest.raises(NotAllError, match=r"run 4: reset; and 200 more$"):
        failures.raise_as(NotAllError, "not all")


def test_whoever_is_killed_is_killed() -> None:
    failures = Failures()
    with pytest.raises(CutOff), failures.kept("a"):
        raise CutOff
