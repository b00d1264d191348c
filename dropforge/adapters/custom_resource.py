"""CloudFormation's custom resources: what it asks of a function, and where the answer goes.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import urllib3

from dropforge.adapters.log import logger
from dropforge.domain.errors import DropforgeError

LONGEST_REASON: Final = 1000
"""Characters; the whole answer may have 4096 bytes."""
_WAIT_SECONDS: Final = 20.0


class NotAnsweredError(DropforgeError):
    """CloudFormation did not take the answer; it then waits until the resource's time is over."""


@dataclass(frozen=True)
class ResourceRequest:
    """One request, as CloudFormation sends it; `name` is how it knows the resource afterwards."""

    is_deletion: bool
    name: str
    answer_to: str
    identity: Mapping[str, str]

    @classmethod
    def from_event(cls, event: Mapping[str, Any], name: str) -> ResourceRequest:
        identity = {member: str(event[member]) for member in ("StackId", "RequestId", "LogicalResourceId")}
        return cls(event["RequestType"] == "Delete", str(event.get("PhysicalResourceId", name)),
                   str(event["ResponseURL"]), identity)  # fmt: skip


def give(event: Mapping[str, Any], name: str, attributes: Callable[[], Mapping[str, str]]) -> bool:
    """Answer with the resource's attributes; there is nothing to make, so nothing is removed with it.

    What goes wrong is logged and told to CloudFormation, which would wait for its whole time else. It is not raised:
    Lambda would call again, for an answer that nobody waits for. Returns whether all went well. NotAnsweredError.
    """
    request = ResourceRequest.from_event(event, name)
    try:
        given = {} if request.is_deletion else attributes()
    except Exception as error:  # noqa: BLE001  (the process's boundary: logged, and told to the one who waits)
        logger().exception("CloudFormation is told that this failed")
        _answer(request, {"Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"[:LONGEST_REASON]})
        return False
    _answer(request, {"Status": "SUCCESS", "Data": given})
    return True


def _answer(request: ResourceRequest, outcome: Mapping[str, object]) -> None:
    """To the address that was signed for it, without a content type: the signature says that there is none."""
    body = json.dumps({**request.identity, "PhysicalResourceId": request.name, **outcome}).encode()
    done = urllib3.request(
        "PUT", request.answer_to, body=body, headers={"Content-Type": ""}, timeout=_WAIT_SECONDS, retries=2
    )
    if done.status != 200:
        raise NotAnsweredError(
            f"CloudFormation took the answer with status {done.status}: deploy again once its wait is over."
        )
