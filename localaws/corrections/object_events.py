"""S3's events carry what S3 says: the version in EventBridge's too, and who made the request. None is lost.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html (`version-id`)
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html (`principalId`)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import eventbridge, iam, s3

from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime

_version: ContextVar[str] = ContextVar("version of the object that the event is about", default="")


def install(runtime: Runtime) -> None:
    """Add the version and the requester's principal id to S3's events."""

    def fire(original: Callable[..., None], *arguments: Any, **options: Any) -> None:
        token = _version.set(options.get("version_id") or "")
        identity = {"userIdentity": {"principalId": _principal_id(runtime)}}
        try:
            original(*arguments, **{**options, "record_extra": {**identity, **(options.get("record_extra") or {})}})
        finally:
            _version.reset(token)

    wrap(s3, "_fire_s3_event", fire)
    wrap(s3, "_fire_s3_event_async", _fire_at_once)
    wrap(eventbridge, "_dispatch_event", _add_version)


def _fire_at_once(original: Callable[..., None], bucket: str, key: str, event: str, *rest: Any, **options: Any) -> None:
    """Put an event into its queue while the request is answered: what S3 has taken, it has told of."""
    del original
    if bucket in s3._bucket_notifications:
        s3._fire_s3_event(bucket, key, event, *rest, sequencer=s3._next_event_sequencer(event), **options)


def _add_version(original: Callable[..., None], event: dict[str, Any], *rest: Any) -> None:
    if event.get("Source") == "aws.s3" and _version.get():
        detail = json.loads(event["Detail"])
        detail["object"]["version-id"] = _version.get()
        event = {**event, "Detail": json.dumps(detail)}
    original(event, *rest)


def _principal_id(runtime: Runtime) -> str:
    """Return the caller as S3 writes it: `AWS:AROA…:session` for a role, `AWS:AIDA…` for a user."""
    arn = iam_evaluator.caller_arn()
    kind, _, name = arn.rpartition(":")[2].partition("/")
    if kind == "assumed-role":
        role, _, session = name.partition("/")
        record = iam._roles.get(role) or {}
        return f"AWS:{record.get('RoleId', role)}:{session}"
    if kind == "user":
        record = iam._users.get(name.rpartition("/")[2]) or {}
        return f"AWS:{record.get('UserId', name)}"
    return runtime.account
