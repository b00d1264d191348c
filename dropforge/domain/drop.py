"""An object that came or went in the training bucket, as S3 told it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class ObjectDropped:
    """One S3 notification. `key` is decoded; `size` is bytes, 0 where S3 states none.

    `principal` and `address` are who and from where, as far as S3 says. `deleted` tells of a delete or a delete marker.
    """

    bucket: str
    key: str
    version_id: str
    size: int
    sequencer: str
    principal: str
    address: str
    at: datetime
    deleted: bool = False


def is_later(sequencer: str, than: str) -> bool:
    """Whether one event on a key happened after another on the same key.

    Sequencers differ in length; S3 compares them as hexadecimal text padded with zeros on the right
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html).
    """
    width = max(len(sequencer), len(than))
    return sequencer.upper().ljust(width, "0") > than.upper().ljust(width, "0")
