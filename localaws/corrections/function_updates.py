"""What a function is doing while it is updated, it does to the end; the emulator kills it, with no answer.

A message in its hands would then lie invisible for as long as its queue says, and the rest of its FIFO group with it.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html (an update is for environments to come)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime

_LONGEST_INVOCATION_SECONDS = 900.0
_TICK = 0.05
_updating: ContextVar[bool] = ContextVar("whether a function is being updated", default=False)


def install(runtime: Runtime) -> None:
    """Let workers that are in use when their function is updated finish; new calls get new workers at once."""

    def update(original: Callable[..., Any], *request: Any) -> Any:
        token = _updating.set(True)
        try:
            return original(*request)
        finally:
            _updating.reset(token)

    def kill(original: Callable[[Sequence[Any]], None], workers: Sequence[Any]) -> None:
        busy = [worker for worker in workers if worker.in_use] if _updating.get() else []
        original([worker for worker in workers if worker not in busy])
        if busy:
            runtime.spawn("the end of replaced workers", _kill_when_done, original, busy)

    wrap(lambda_svc, "_update_code", update)
    wrap(lambda_svc, "_update_config", update)
    wrap(lambda_runtime, "kill_workers", kill)


def _kill_when_done(kill: Callable[[Sequence[Any]], None], workers: Sequence[Any]) -> None:
    deadline = time.monotonic() + _LONGEST_INVOCATION_SECONDS
    while any(worker.in_use for worker in workers) and time.monotonic() < deadline:
        time.sleep(_TICK)
    kill(workers)
