"""Deliveries under way, each known by a number: those that are certain to go on alike have the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import FrameType
from typing import TypeAlias

from dropforge.workflow.ports import Ports
from tests.faults.numbering import Numbering
from tests.faults.standing import standing
from tests.faults.suspension import Answered, Call, Done, Message, Rehearsal, Reply, Suspended


@dataclass(frozen=True)
class Delivery:
    """A message, and what its function has been told so far."""

    message: Message
    failures: int = 0
    answered: Answered = ()


@dataclass(frozen=True)
class Asked:
    """Calls that are the same have the same number."""

    call: Call
    number: int


@dataclass(frozen=True)
class Told:
    """Replies that are the same have the same number."""

    reply: Reply
    number: int


Answers: TypeAlias = Callable[[Asked], Told | None]
"""What one call after the other returns; None from where on nobody wants to know."""


class Deliveries(dict[int, Delivery]):
    """Two of one message are the same if they were told the same, or if it is certain that they stand at the same place
    (`tests/faults/standing.py`), whatever they were told on the way; where each goes on anew, only the former.
    """

    def __init__(self, ports: Ports, numbers: Numbering, *, each_anew: bool) -> None:
        super().__init__()
        self._numbers = numbers
        self._each_anew = each_anew
        self._rehearsal = Rehearsal(ports)
        self._first_there: dict[int, int] = {}
        self.roots: dict[int, int] = {}
        """Of each delivery the same message, delivered again from the start."""
        self.next: dict[int, tuple[int, Asked | Done]] = {}
        """Of each, once it has gone on: the one that it is the same as, and the call that this makes next."""

    def root(self, message: Message, failures: int = 0) -> int:
        number = self._numbers.of(("message", message, failures))
        self.setdefault(number, Delivery(message, failures))
        self.roots[number] = number
        return number

    def tell(self, delivery: int, told: Told) -> int:
        """The delivery once its next call has returned."""
        number = self._numbers.of_token((delivery, told.number))
        if number not in self:
            known, (_, asked) = self[delivery], self.next[delivery]
            assert isinstance(asked, Asked)
            self[number] = replace(known, answered=(*known.answered, (asked.call, told.reply)))
            self.roots[number] = self.roots[delivery]
        return number

    def go_on(self, delivery: int, answers: Answers) -> None:
        """Learn which call is next, and all that follow with these answers, up to where another came before.

        The function runs once, and is another delivery with each answer.
        """
        here = delivery

        def onward(call: Call, frames: Sequence[FrameType]) -> Reply:
            nonlocal here
            asked = Asked(call, self._numbers.of(call))
            first = self._first(here, asked, frames)
            self.next[here] = first, asked
            told = answers(asked) if first == here else None
            if told is None:
                raise Suspended
            here = self.tell(here, told)
            return told.reply

        known = self[delivery]
        done = self._rehearsal.run(known.message, known.answered, onward)
        if done is not None:
            self.next[here] = here, done

    def _first(self, delivery: int, asked: Asked, frames: Sequence[FrameType]) -> int:
        """The first delivery of that message that stood where this one stands; itself if there is none."""
        there = None if self._each_anew else standing(frames, asked.call.method)
        if there is None:
            return delivery
        number = self._numbers.of(("standing", self.roots[delivery], asked.number, there))
        return self._first_there.setdefault(number, delivery)
