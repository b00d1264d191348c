"""IAM is asked about log streams, in the form in which AWS names them; the emulator asks about the bare log group.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html: but for tagging, a log
group in a policy ends in `:*`, since what a request is checked against goes on with `:log-stream:` and the stream.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ministack.core import iam_actions

from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime

_TAGGING = {"TagResource", "UntagResource", "ListTagsForResource"}


def install(runtime: Runtime) -> None:
    """Name the stream after the group."""
    del runtime

    def resource_arn(original: Callable[..., str], service: str, *request: Any) -> str:
        arn = original(service, *request)
        _method, _path, headers, body, *_rest = request
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if service != "logs" or arn == "*" or action in _TAGGING:
            return arn
        return f"{arn}:log-stream:{json.loads(body).get('logStreamName', '')}"

    wrap(iam_actions, "extract_resource_arn", resource_arn)
