"""A stack operation is answered when it is over, or after 25 s; the emulator answers, as AWS does, before it begins.

Callers cannot tell the difference but by the clock: CDK's command line asks how a stack is, and then waits 5 s before
it asks again. What the operation comes to is told by the stack's status alone, as on AWS, failure and rollback
included.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any

from ministack.services import cloudformation
from ministack.services.cloudformation import changesets, handlers

from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime

_PATIENCE_SECONDS = 25.0  # below the 60 s after which boto3 takes an answer for lost
_Operation = Coroutine[Any, Any, None]
_started: contextvars.ContextVar[list[asyncio.Event]] = contextvars.ContextVar("started")
"""One end for each operation that the request at hand has started."""


def install(runtime: Runtime) -> None:
    """Let each request wait for the operations that it starts."""
    del runtime
    wrap(cloudformation, "handle_request", _answer)
    for module in (changesets, handlers):
        wrap(module, "_create_stack_task_in_region", _start)


async def _answer(original: Callable[..., Coroutine[Any, Any, Any]], *request: Any) -> Any:
    ends: list[asyncio.Event] = []
    _started.set(ends)  # a request has a context of its own
    answer = await original(*request)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE_SECONDS):
            for end in ends:
                await end.wait()
    return answer


def _start(original: Callable[..., None], operation: _Operation, *stack: Any) -> None:
    over = asyncio.Event()
    _started.get([]).append(over)
    original(_followed(operation, over), *stack)


async def _followed(operation: _Operation, over: asyncio.Event) -> None:
    try:
        await operation
    finally:
        over.set()
