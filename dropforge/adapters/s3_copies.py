"""Server-side copies of exact object versions, many side by side, each with its SHA-256.

CopyObject takes up to 5 GB and is asked for a SHA-256 over the whole. Beyond, an object is copied in parts of one fixed
size, for each of which S3 states a SHA-256: S3 computes none over the whole of a multipart upload.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/CopyingObjectsMPUapi.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import ClientError

from dropforge.adapters.clients import CONNECTIONS, AwsClients
from dropforge.adapters.s3_refusals import is_gone
from dropforge.domain.dataset import UNKNOWN, Checksum, ChecksumSource, ListedObject
from dropforge.domain.errors import DropforgeError
from dropforge.domain.pinning import Pin
from dropforge.domain.sealing import DatasetRefusedError
from dropforge.workflow.ports import VersionGoneError

LARGEST_COPY: Final = 5 * 1024**3
PART_SIZE: Final = 1024**3
"""Bytes; part of what a large object's SHA-256 means, so never changed. The largest object, 5 TB, has 5,000 parts."""
PARTS_AT_ONCE: Final = 4

_CHUNK: Final = 1 << 20
_ARCHIVED: Final = "InvalidObjectState"

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

T = TypeVar("T")
R = TypeVar("R")


class PinnedCopyError(DropforgeError):
    """A copy's bytes are not those of the version that was to be copied."""


@dataclass(frozen=True)
class Limits:
    """How large a copy may be in one request, and the parts of larger ones, in bytes."""

    largest_copy: int = LARGEST_COPY
    part_size: int = PART_SIZE


class ServerSideCopies:
    """From one bucket into another, encrypted there as `encryption` says."""

    def __init__(
        self, clients: AwsClients, source: str, target: str, encryption: Mapping[str, Any], limits: Limits | None = None
    ) -> None:
        self._clients = clients
        self._source = source
        self._target = target
        self._encryption = encryption
        self._limits = limits or Limits()

    def copy_all(self, pins: Iterable[Pin], enough: Callable[[], bool]) -> Iterator[tuple[Pin, Checksum]]:
        """As `ports.DataBucket.copy_all`. What was begun when the caller stops is still finished."""
        for pin, checksum in side_by_side(pins, lambda pin: self._copy(pin, enough), enough):
            if checksum is not None:
                yield pin, checksum

    def stored_checksums(self, objects: Iterable[ListedObject]) -> Iterator[tuple[ListedObject, Checksum]]:
        return side_by_side(objects, self._stored, lambda: False)

    def _stored(self, listed: ListedObject) -> Checksum:
        with explained(listed):
            stored = self._kept_sha256(listed)
        return UNKNOWN if stored is None else Checksum(stored, ChecksumSource.STORED)

    def _copy(self, pin: Pin, enough: Callable[[], bool]) -> Checksum | None:
        """None when there was enough before a large object was copied whole."""
        with explained(pin.listed):
            if pin.listed.size > self._limits.largest_copy:
                return _LargeCopy(self._clients, self._source, self._target, pin, self._limits.part_size).run(
                    self._encryption, enough
                )
            kept = self._kept_sha256(pin.listed)
            copied = self._copy_whole(pin)
        if kept is None:
            return copied
        if kept != copied.sha256:
            raise PinnedCopyError(
                f"The copy of {pin.listed.key} (version {pin.listed.version_id}) has SHA-256 {copied.sha256}, and S3 "
                f"keeps {kept} of the original: it is copied anew at the next try; if that repeats, upload it again."
            )
        return Checksum(kept, ChecksumSource.STORED)

    def _copy_whole(self, pin: Pin) -> Checksum:
        """Neither tags nor metadata come along."""
        answer = self._clients.s3.copy_object(
            CopySource=_source(self._source, pin),
            Bucket=self._target,
            Key=pin.to_key,
            ChecksumAlgorithm="SHA256",
            MetadataDirective="REPLACE",
            TaggingDirective="REPLACE",
            **self._encryption,
        )
        stated = whole_object_sha256(answer["CopyObjectResult"])
        if stated is not None:
            return Checksum(stated, ChecksumSource.COPIED)
        body = self._clients.s3.get_object(Bucket=self._target, Key=pin.to_key, VersionId=answer["VersionId"])["Body"]
        return Checksum(sha256_of(body), ChecksumSource.COMPUTED)

    def _kept_sha256(self, listed: ListedObject) -> str | None:
        head = self._clients.s3.head_object(
            Bucket=self._source, Key=listed.key, VersionId=listed.version_id, ChecksumMode="ENABLED"
        )
        return whole_object_sha256(head)


@dataclass(frozen=True)
class _LargeCopy:
    """One object, copied in parts; parts that an earlier call copied are found and kept."""

    clients: AwsClients
    source: str
    target: str
    pin: Pin
    part_size: int

    def run(self, encryption: Mapping[str, Any], enough: Callable[[], bool]) -> Checksum | None:
        upload = self._begun() or self._begin(encryption)
        parts = self._copied(upload)
        missing = [number for number in range(1, self.count + 1) if number not in parts]
        for number, part in side_by_side(
            missing, lambda number: self._copy_part(upload, number), enough, PARTS_AT_ONCE
        ):
            parts[number] = part
        if len(parts) < self.count:
            return None
        self._complete(upload, parts)
        hashes = b"".join(base64.b64decode(parts[number]["ChecksumSHA256"]) for number in sorted(parts))
        return Checksum(hashlib.sha256(hashes).hexdigest(), ChecksumSource.PARTS, self.part_size)

    @property
    def count(self) -> int:
        return -(-self.pin.listed.size // self.part_size)

    @property
    def _where(self) -> dict[str, Any]:
        return {"Bucket": self.target, "Key": self.pin.to_key}

    def _begun(self) -> str | None:
        """The upload that an earlier call began and nobody completed: a key is bound to one object version for ever."""
        pages = self.clients.s3.get_paginator("list_multipart_uploads").paginate(
            Bucket=self.target, Prefix=self.pin.to_key
        )
        uploads = [each for page in pages for each in page.get("Uploads", []) if each["Key"] == self.pin.to_key]
        return min(uploads, key=lambda each: (each["Initiated"], each["UploadId"]))["UploadId"] if uploads else None

    def _begin(self, encryption: Mapping[str, Any]) -> str:
        return self.clients.s3.create_multipart_upload(
            **self._where, ChecksumAlgorithm="SHA256", ChecksumType="COMPOSITE", **encryption
        )["UploadId"]

    def _copied(self, upload: str) -> dict[int, CompletedPartTypeDef]:
        pages = self.clients.s3.get_paginator("list_parts").paginate(**self._where, UploadId=upload)
        parts = [part for page in pages for part in page.get("Parts", [])]
        return {part["PartNumber"]: _part(part["PartNumber"], part) for part in parts if "ChecksumSHA256" in part}

    def _copy_part(self, upload: str, number: int) -> CompletedPartTypeDef:
        first = (number - 1) * self.part_size
        last = min(first + self.part_size, self.pin.listed.size) - 1
        answer = self.clients.s3.upload_part_copy(
            **self._where,
            UploadId=upload,
            PartNumber=number,
            CopySource=_source(self.source, self.pin),
            CopySourceRange=f"bytes={first}-{last}",
        )
        return _part(number, answer["CopyPartResult"])

    def _complete(self, upload: str, parts: Mapping[int, CompletedPartTypeDef]) -> None:
        self.clients.s3.complete_multipart_upload(
            **self._where,
            UploadId=upload,
            MultipartUpload={"Parts": [parts[number] for number in sorted(parts)]},
        )


@contextmanager
def explained(listed: ListedObject) -> Iterator[None]:
    """Within, S3's refusals of one object version are errors in words."""
    try:
        yield
    except ClientError as error:
        if is_gone(error):
            raise VersionGoneError(f"{listed.key} has no version {listed.version_id} any more: list again") from error
        if error.response["Error"]["Code"] == _ARCHIVED:
            reason = f"{listed.key} is archived, and S3 copies no archived object: restore it, or delete it"
            raise DatasetRefusedError([reason]) from error
        raise


def side_by_side(
    items: Iterable[T], work: Callable[[T], R], enough: Callable[[], bool], at_once: int = CONNECTIONS
) -> Iterator[tuple[T, R]]:
    """Each item with what came of it, as it is done; nothing new is begun once there is `enough`."""
    waiting, running = iter(items), dict[Future[R], T]()
    with ThreadPoolExecutor(at_once) as threads:
        while True:
            while len(running) < at_once and not enough():
                for item in waiting:
                    running[threads.submit(work, item)] = item
                    break
                else:
                    break
            if not running:
                return
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(done), done.result()


def whole_object_sha256(answer: Mapping[str, Any]) -> str | None:
    """The hex SHA-256 in an answer of S3's; None when it states none or one of parts, which ends in `-<parts>`."""
    checksum = answer.get("ChecksumSHA256")
    if not checksum or answer.get("ChecksumType") == "COMPOSITE" or "-" in checksum:
        return None
    return base64.b64decode(checksum, validate=True).hex()


def sha256_of(body: Any) -> str:
    """Hex, of what S3 streams."""
    digest = hashlib.sha256()
    for chunk in body.iter_chunks(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def sha256_in_time(body: Any, enough: Callable[[], bool]) -> str | None:
    """As `sha256_of`; None when there was enough before the last of it, which is then not read."""
    digest = hashlib.sha256()
    for chunk in body.iter_chunks(_CHUNK):
        if enough():
            body.close()
            return None
        digest.update(chunk)
    return digest.hexdigest()


def _source(bucket: str, pin: Pin) -> Any:
    return {"Bucket": bucket, "Key": pin.listed.key, "VersionId": pin.listed.version_id}


def _part(number: int, stated: Mapping[str, Any]) -> CompletedPartTypeDef:
    return {"PartNumber": number, "ETag": stated["ETag"], "ChecksumSHA256": stated["ChecksumSHA256"]}
