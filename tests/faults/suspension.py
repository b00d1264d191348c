"""A use case stopped before any of its calls to the world, and gone on with later.

A use case reaches the world through its ports only, so where it stands follows from the message that it works on and
from what its calls have returned so far. To go on, it is called again from the start, is given the same replies, and
makes the next call. Such a delivery is a value: it can be kept, copied, cut off, and continued in different worlds.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import dropwhile
from types import FrameType
from typing import Any, TypeAlias

from dropforge.domain.pinning import Pin
from dropforge.workflow.ports import Ports

Message: TypeAlias = Callable[[Ports], object]


class Suspended(BaseException):
    """The use case waits for a reply. No error that it could catch."""


@dataclass(frozen=True)
class Call:
    port: str
    method: str
    arguments: tuple[Any, ...]
    named: tuple[tuple[str, Any], ...]

    @property
    def is_unfelt(self) -> bool:
        """No use case sees whether it was made: of wake-ups the histories have their own."""
        return self.port == "wakeups"

    def make(self, ports: Ports) -> Reply:
        """Do it; what it raises on purpose is a reply like any other."""
        try:
            result = getattr(getattr(ports, self.port), self.method)(*self.arguments, **dict(self.named))
        except Exception as error:  # noqa: BLE001 - handed to the use case, as the port would
            return Reply(error=error)
        return Reply(tuple(result), pages=True) if isinstance(result, Iterator) else Reply(result)


@dataclass(frozen=True)
class Reply:
    """`pages` says that the result was an iterator, which is read to its end at once."""

    result: object = None
    error: Exception | None = None
    pages: bool = False

    def give(self) -> object:
        if self.error is not None:
            raise self.error.with_traceback(None)
        return iter(self.result) if self.pages else self.result  # type: ignore[call-overload]


@dataclass(frozen=True)
class Done:
    """The message is acknowledged, or with an error goes back to its queue."""

    error: Exception | None = None


Answered: TypeAlias = tuple[tuple[Call, Reply], ...]
"""The calls that a use case has made so far, and what they returned."""
Onward: TypeAlias = Callable[[Call, Sequence[FrameType]], Reply]
"""Answers a call that no reply is left for, or raises Suspended; it is given the use case's frames, from the one that
makes the call outwards."""


class Rehearsal:
    """Functions at work, none of whose calls reaches the world by itself."""

    def __init__(self, ports: Ports) -> None:
        self._left: list[tuple[Call, Reply]] = []
        self._onward: Onward = _stop
        members: dict[str, Any] = {
            each.name: _RecordedPort(each.name, getattr(ports, each.name), self.answer)
            for each in fields(ports)
            if each.name != "stage"
        }
        self._ports = replace(ports, **members)

    def run(self, message: Message, answered: Answered, onward: Onward) -> Done | None:
        """From the start: its calls are given the replies, and those that follow are answered by `onward`."""
        self._left, self._onward = list(reversed(answered)), onward
        try:
            message(self._ports)
        except Suspended:
            return None
        except Exception as error:  # noqa: BLE001 - the function fails, as it would on AWS
            return Done(error)
        return Done()

    def answer(self, call: Call) -> object:
        if not self._left:
            return self._onward(call, _frames()).give()
        made, reply = self._left.pop()
        assert call == made, "a use case must do the same when its calls return the same"
        return reply.give()


def _stop(_: Call, __: Sequence[FrameType]) -> Reply:
    raise Suspended


def _frames() -> Sequence[FrameType]:
    """Those of the use case: between its message and the port, whose own lie in this file."""
    frames, frame = [], inspect.currentframe()
    while frame is not None and frame.f_code is not Rehearsal.run.__code__:
        frames.append(frame)
        frame = frame.f_back
    return list(dropwhile(lambda each: each.f_code.co_filename == __file__, frames))


class _RecordedPort:
    def __init__(self, name: str, port: object, answer: Callable[[Call], object]) -> None:
        self._name = name
        self._port = port
        self._answer = answer

    def __getattr__(self, method: str) -> object:
        if not callable(member := getattr(self._port, method)):
            return member

        def answered(*arguments: object, **named: object) -> object:
            return self._answer(Call(self._name, method, tuple(map(_read, arguments)), tuple(named.items())))

        found = self._one_by_one if method == "copy_all" else answered
        self.__dict__[method] = found
        return found

    def _one_by_one(self, pins: Iterable[Pin], enough: Callable[[], bool]) -> Iterator[object]:
        """Many copies are one call, and yet a function may be killed between any two of them."""
        for pin in pins:
            if enough():
                return
            yield from self._answer(Call(self._name, "copy_all", ((pin,), _never), ()))  # type: ignore[misc]


def _read(argument: object) -> object:
    """Iterators are read to their end; of a question whether there was `enough` no time passes, so there never is."""
    if isinstance(argument, Iterator):
        return tuple(argument)
    return _never if callable(argument) else argument


def _never() -> bool:
    return False
