"""What S3 says when an object comes or goes.

Two shapes of the same news: the notification that S3 sends to a queue
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html), whose keys are
query-encoded and which may carry several records, and EventBridge's event
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html), whose keys are plain. Both come at least once
and in any order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote_plus

from dropforge.adapters.events.members import EventError, instant, optional, parsed, required
from dropforge.domain.drop import ObjectDropped

UNVERSIONED: Final = "null"
"""The version id by which S3 itself calls an object that was put without versioning."""

_CREATED: Final = "ObjectCreated:"
_REMOVED: Final = "ObjectRemoved:"


def apart(body: str) -> tuple[str, ...]:
    """A queue message's news, one body for each record of a notification, so that each may fail by itself."""
    event = parsed(body)
    records = event.get("Records")
    if isinstance(records, list) and len(records) > 1:
        return tuple(json.dumps({"Records": [record]}) for record in records)
    return (body,)


def drop_in(body: str) -> ObjectDropped | None:
    """The object put or removed that one of these tells of; None for S3's test event and for other news. EventError."""
    event = parsed(body)
    if "detail-type" in event:
        return _from_eventbridge(event)
    if event.get("Event") == "s3:TestEvent":
        return None
    records = required(event, "Records")
    if not isinstance(records, list) or len(records) != 1:
        raise EventError("The notification's Records are not the one record that is looked at here at a time.")
    return _from_record(records[0])


def _from_record(record: Mapping[str, Any]) -> ObjectDropped | None:
    version = str(required(record, "eventVersion"))
    if version.partition(".")[0] != "2":
        raise EventError(f"S3 sent a notification of version {version}; this release of Dropforge reads version 2.")
    name = str(required(record, "eventName")).removeprefix("s3:")
    if not name.startswith((_CREATED, _REMOVED)):
        return None
    return ObjectDropped(
        bucket=required(record, "s3", "bucket", "name"),
        key=unquote_plus(required(record, "s3", "object", "key")),
        version_id=optional(record, "s3", "object", "versionId") or UNVERSIONED,
        size=int(optional(record, "s3", "object", "size") or 0),
        sequencer=optional(record, "s3", "object", "sequencer") or "",
        principal=optional(record, "userIdentity", "principalId") or "",
        address=optional(record, "requestParameters", "sourceIPAddress") or "",
        at=instant(required(record, "eventTime")),
        deleted=name.startswith(_REMOVED),
    )


def _from_eventbridge(event: Mapping[str, Any]) -> ObjectDropped | None:
    kind = event["detail-type"]
    if kind not in {"Object Created", "Object Deleted"}:
        return None
    detail = required(event, "detail")
    return ObjectDropped(
        bucket=required(detail, "bucket", "name"),
        key=required(detail, "object", "key"),
        version_id=optional(detail, "object", "version-id") or UNVERSIONED,
        size=int(optional(detail, "object", "size") or 0),
        sequencer=optional(detail, "object", "sequencer") or "",
        principal=optional(detail, "requester") or "",
        address=optional(detail, "source-ip-address") or "",
        at=instant(required(event, "time")),
        deleted=kind == "Object Deleted",
    )
