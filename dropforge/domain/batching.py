"""Many things, some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def batched(things: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """So many at a time, the last fewer; none is taken before its batch is asked for.

    From Python 3.12 on it is https://docs.python.org/3/library/itertools.html#itertools.batched.
    """
    left = iter(things)
    while some := tuple(islice(left, size)):
        yield some
