"""What S3 says when an object comes or goes.

Two shapes of the same news: the notification that S3 sends to a queue
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html), whose keys are
query-encoded and which may carry several records, and EventBridge's event
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html), whose keys are plain. Both come at least once
and in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote_plus

from dropforge.adapters.events.members import EventError, instant, optional, parsed, required
from dropforge.domain.drop import ObjectDropped

UNVERSIONED: Final = "null"
"""The version id by which S3 itself calls an object that was put without versioning."""

_CREATED: Final = "ObjectCreated:"
_REMOVED: Final = "ObjectRemoved:"


def drops_in(body: str) -> Iterator[ObjectDropped]:
    """Every object put or removed that a queue message tells of; none for S3's test event and for other news.

    A record that cannot be read holds up none of its neighbours: EventError comes after all of them.
    """
    event = parsed(body)
    if "detail-type" in event:
        yield from _from_eventbridge(event)
    elif event.get("Event") != "s3:TestEvent":
        yield from _from_records(required(event, "Records"))


def _from_records(records: Iterable[Mapping[str, Any]]) -> Iterator[ObjectDropped]:
    unreadable = []
    for record in records:
        try:
            drop = _from_record(record)
        except EventError as error:
            unreadable.append(error)
            continue
        if drop is not None:
            yield drop
    if unreadable:
        raise unreadable[0]


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


def _from_eventbridge(event: Mapping[str, Any]) -> tuple[ObjectDropped, ...]:
    kind = event["detail-type"]
    if kind not in {"Object Created", "Object Deleted"}:
        return ()
    detail = required(event, "detail")
    drop = ObjectDropped(
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
    return (drop,)
