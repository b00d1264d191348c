"""S3 refuses what there is no room for; the emulator takes it, says 200, and forgets it when it stops.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html (an answer of 200 means that the object was stored)
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

from ministack.services import s3

from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime

_RESERVE = 4 << 20  # bytes, for what other services remember
_COPIES = 2  # a part of an upload is written again when the upload is completed


def install(runtime: Runtime) -> None:
    """Answer InternalError, as S3 does for its own failures, before anything is changed."""

    async def answer(original: Callable[..., Any], *request: Any, **named: Any) -> Any:
        method, path, _headers, body, *_rest = request
        if method in {"PUT", "POST"} and body:
            free = shutil.disk_usage(runtime.home.objects).free
            if free < _COPIES * len(body) + _RESERVE:
                message = f"The disk of {runtime.home.root} is full ({free >> 20} MiB left): free some space."
                return s3._error("InternalError", message, 500, path)
        return await original(*request, **named)

    wrap(s3, "handle_request", answer)
