"""Two deliveries are one where nothing is left that tells them apart, and nowhere else.

The use cases for this are in `tests/faults/standing_cases.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import FrameType

import pytest

from dropforge.workflow.ports import Ports
from tests.fakes.world import World
from tests.faults.deliveries import Deliveries, Told
from tests.faults.numbering import Numbering
from tests.faults.standing_cases import CASES, Case
from tests.faults.suspension import Call, Done, Message, Rehearsal, Reply

MOST = 9
"""No use case here makes so many calls."""
LATER = ((), ("later",))
"""What all calls return but the first."""


def reply(value: object) -> Reply:
    return Reply(error=value) if isinstance(value, Exception) else Reply(value)


class Compared:
    """Deliveries among which those that are the same go by one number."""

    def __init__(self) -> None:
        self._numbers = Numbering()
        self._deliveries = Deliveries(World().ports, self._numbers, each_anew=False)

    def stands(self, message: Message, first: object, later: object) -> list[int]:
        """The delivery's numbers, before each of its calls but the first."""
        at, found = self._deliveries.root(message), list[int]()
        told = [self._told(first), *[self._told(later)] * MOST]
        while True:
            coming = iter(told[len(found) :])
            self._deliveries.go_on(at, lambda _, coming=coming: next(coming))  # type: ignore[misc]
            while at in self._deliveries.next:
                at, asked = self._deliveries.next[at]
                if isinstance(asked, Done):
                    return found[1:]
                found.append(at)
                at = self._deliveries.tell(at, told[len(found) - 1])

    def _told(self, value: object) -> Told:
        said = reply(value)
        return Told(said, self._numbers.of(said))


def in_full(message: Message, first: object, later: object) -> list[str]:
    """The calls behind the first, and the end, as they are written: from the start, and nothing taken for the same."""

    def onward(call: Call, _: Sequence[FrameType]) -> Reply:
        said.append(repr(call))
        return reply(later if said[1:] else first)

    said: list[str] = []
    done = Rehearsal(World().ports).run(message, (), onward)
    return [*said[1:], repr(done)]


@pytest.mark.parametrize("later", LATER)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.use_case.__name__)
def test_two_deliveries_are_one_where_nothing_is_left_that_tells_them_apart(case: Case, later: object) -> None:
    compared = Compared()
    stands = [compared.stands(case.use_case, first, later) for first in case.replies]
    onwards = [in_full(case.use_case, first, later) for first in case.replies]
    merged = [(at, stands[1].index(each)) for at, each in enumerate(stands[0]) if each in stands[1]]

    assert all(onwards[0][at:] == onwards[1][other:] for at, other in merged)
    assert bool(merged) == case.is_one


def ending(ports: Ports, known: object) -> None:  # noqa: ARG001 - it is forgotten
    ports.clock.now()
    ports.clock.now()


def test_deliveries_of_two_messages_are_never_one() -> None:
    """Of each its own message comes again when its function is killed."""
    compared = Compared()
    one, other = (compared.stands(partial(ending, known=known), (), ()) for known in "ab")
    assert not {*one} & {*other}
