"""An object that came or went in the training bucket, as S3 told it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

SEQUENCER_WIDTH = 64
"""Hexadecimal digits; S3 sends 16 to 18 of them."""


@dataclass(frozen=True)
class ObjectRef:
    """One version of one object."""

    bucket: str
    key: str
    version_id: str


@dataclass(frozen=True)
class ObjectName:
    """An object as a person names it: of the training bucket where the bucket is None, any version where that is."""

    key: str
    bucket: str | None = None
    version_id: str | None = None

    @classmethod
    def parse(cls, text: str) -> ObjectName:
        """A key, or `s3://bucket/key`; with `?versionId=…` behind it, one version."""
        address, _, version = text.partition("?versionId=")
        if not address.startswith("s3://"):
            return cls(address, None, version or None)
        bucket, _, key = address.removeprefix("s3://").partition("/")
        return cls(key, bucket, version or None)


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

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef(self.bucket, self.key, self.version_id)

    @property
    def says_who(self) -> bool:
        """Whether it is S3's word on who dropped the object: no deletion, nor what was found where no event told of it,
        which has no sequencer.
        """
        return self.sequencer != "" and not self.deleted

    def replaces(self, other: ObjectDropped | None) -> bool:
        """Whether of two that tell of one object version this is to be kept: the first, and S3's word before others."""
        return other is None or (self.says_who and not other.says_who)

    @property
    def by(self) -> str:
        """Who and from where, as the trail of what follows has it."""
        return " from ".join(filter(None, [self.principal, self.address]))


def is_later(sequencer: str, than: str) -> bool:
    """Whether one event on a key happened after another on the same key."""
    return sequencer_order(sequencer) > sequencer_order(than)


def sequencer_order(sequencer: str) -> str:
    """Text that sorts as the events on one key happened.

    Sequencers differ in length; S3 compares them as hexadecimal text padded with zeros on the right
    (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html).
    """
    return sequencer.upper().ljust(SEQUENCER_WIDTH, "0")
