"""An environment whose handler raised serves the next event, with all that it remembers; the emulator starts another.

Only one that crashed, exited or took too long is replaced. A queue whose messages fail would otherwise cost a cold
start each, and what a failure leaves behind in a function's memory would go unnoticed.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html (what resets an environment)
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html (an error is reported, and the runtime goes on)
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.core import lambda_runtime

from localaws.corrections.wrapping import EmulatorChangedError, wrap
from localaws.runtime import Runtime

_condemned: ContextVar[list[Any] | None] = ContextVar("processes that an invocation wants ended", default=None)


def install(runtime: Runtime) -> None:
    """Look at each failure before the process that it came from is ended."""
    del runtime
    original = getattr(getattr(lambda_runtime, "Worker", None), "invoke", None)
    if original is None:
        raise EmulatorChangedError("This ministack has no Worker.invoke in lambda_runtime, which is corrected here.")

    def invoke(worker: Any, *request: Any, **named: Any) -> dict[str, Any]:
        condemned: list[Any] = []
        token = _condemned.set(condemned)
        try:
            answer: dict[str, Any] = original(worker, *request, **named)
        finally:
            _condemned.reset(token)
        for process in condemned:
            if not (_raised(answer) and _goes_on(worker, process)):
                lambda_runtime._signal(process)
                lambda_runtime._collect(process, time.monotonic() + lambda_runtime._REAP_GRACE)
        return answer

    lambda_runtime.Worker.invoke = invoke
    wrap(lambda_runtime, "_signal", _signal)
    wrap(lambda_runtime, "_collect", _collect)


def _raised(answer: dict[str, Any]) -> bool:
    """Tell whether the handler raised: only then the worker's own program answers, with a traceback."""
    return answer.get("status") == "error" and "trace" in answer


def _goes_on(worker: Any, process: Any) -> bool:
    """Give a worker its process back; not one that was thrown out of its function's pool meanwhile."""
    with lambda_runtime._lock:
        pooled = any(worker in workers for workers in lambda_runtime._workers.values())
        if pooled:
            worker._proc = process
        return pooled


def _signal(original: Callable[[Any], None], process: Any) -> None:
    condemned = _condemned.get()
    if condemned is None:
        original(process)
    else:
        condemned.append(process)


def _collect(original: Callable[[Any, float], None], process: Any, deadline: float) -> None:
    if _condemned.get() is None:
        original(process, deadline)
