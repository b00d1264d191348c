"""The training bucket, where data is dropped, and the artifact bucket, where it is pinned and models arrive.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.s3_copies import Limits, ServerSideCopies, explained, sha256_in_time, whole_object_sha256
from dropforge.adapters.s3_refusals import is_gone
from dropforge.domain.dataset import Checksum, Dataset, ListedObject, Manifest
from dropforge.domain.encoding import encode
from dropforge.domain.pinning import ChannelFiles, Pin
from dropforge.domain.training_job import ModelArtifact


class S3DataBucket:
    """Implements `ports.DataBucket` on the two buckets; what is written is encrypted with the stage's key."""

    def __init__(
        self,
        clients: AwsClients,
        training_bucket: str,
        artifact_bucket: str,
        key_arn: str,
        limits: Limits | None = None,
    ) -> None:
        self._clients = clients
        self._training_bucket = training_bucket
        self._artifact_bucket = artifact_bucket
        self._encryption: Mapping[str, Any] = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_arn}
        self._copies = ServerSideCopies(clients, training_bucket, artifact_bucket, self._encryption, limits)

    @property
    def name(self) -> str:
        return self._training_bucket

    def current_objects(self, prefix: str, at: datetime) -> Iterator[ListedObject]:
        """S3 lists the versions and delete markers of a key together, the latest first."""
        decided: str | None = None
        for key, version in self._versions(prefix):
            if key == decided or version["LastModified"].replace(microsecond=0) > at:
                continue
            decided = key
            if "Size" in version:  # else a delete marker
                yield ListedObject(key, version["VersionId"], version["Size"])

    def _versions(self, prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Every version and delete marker, by key, and of one key the latest first."""
        pages = self._clients.s3.get_paginator("list_object_versions").paginate(
            Bucket=self._training_bucket, Prefix=prefix
        )
        for page in pages:
            yield from in_order(page.get("Versions", []), page.get("DeleteMarkers", []))

    def content(self, listed: ListedObject) -> bytes:
        with explained(listed):
            answer = self._clients.s3.get_object(
                Bucket=self._training_bucket, Key=listed.key, VersionId=listed.version_id
            )
        return answer["Body"].read()

    def copy_all(self, pins: Iterable[Pin], enough: Callable[[], bool]) -> Iterator[tuple[Pin, Checksum]]:
        return self._copies.copy_all(pins, enough)

    def stored_checksums(self, objects: Iterable[ListedObject]) -> Iterator[tuple[ListedObject, Checksum]]:
        return self._copies.stored_checksums(objects)

    def put_channel_files(self, key: str, files: ChannelFiles) -> None:
        """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html (ManifestFile)"""
        bucket = self._artifact_bucket if files.pinned else self._training_bucket
        self._put_json(key, [{"prefix": f"s3://{bucket}/{files.prefix}"}, *files.names])

    def channel_files(self, key: str) -> ChannelFiles:
        answer = self._clients.s3.get_object(Bucket=self._artifact_bucket, Key=key)
        head, *names = json.loads(answer["Body"].read())
        bucket, _, prefix = head["prefix"].removeprefix("s3://").partition("/")
        return ChannelFiles(bucket == self._artifact_bucket, prefix, tuple(names))

    def gone_copies(self, files: ChannelFiles) -> Mapping[str, datetime | None]:
        pages = self._clients.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._artifact_bucket, Prefix=files.prefix
        )
        there = {found["Key"] for page in pages for found in page.get("Contents", [])}
        gone = [key for key in (files.prefix + name for name in files.names) if key not in there]
        return {key: self._deleted_at(key) for key in gone}

    def _deleted_at(self, key: str) -> datetime | None:
        """A delete marker is dated; of versions that were removed for good, S3 keeps no trace."""
        answer = self._clients.s3.list_object_versions(Bucket=self._artifact_bucket, Prefix=key, MaxKeys=1)
        markers = (marker["LastModified"] for marker in answer.get("DeleteMarkers", []) if marker["Key"] == key)
        return next(markers, None)

    def put_origin(self, key: str, dataset: Dataset) -> None:
        self._put_json(key, encode(dataset))

    def _put_json(self, key: str, document: object) -> None:
        self._put(key, json.dumps(document, ensure_ascii=False).encode())

    def put_manifest(self, key: str, manifest: Manifest) -> None:
        """Its name is the hash of its bytes, so a second put writes the same."""
        self._put(key, manifest.to_bytes())

    def _put(self, key: str, body: bytes) -> None:
        self._clients.s3.put_object(
            Bucket=self._artifact_bucket,
            Key=key,
            Body=body,
            ContentType="application/json",
            ChecksumAlgorithm="SHA256",
            **self._encryption,
        )

    def manifest(self, key: str) -> Manifest:
        answer = self._clients.s3.get_object(Bucket=self._artifact_bucket, Key=key)
        return Manifest.from_bytes(answer["Body"].read())

    def model_artifact(self, uri: str, enough: Callable[[], bool]) -> ModelArtifact | None:
        location = urlsplit(uri, allow_fragments=False)
        bucket, key = location.netloc, location.path.removeprefix("/")
        try:
            head = self._clients.s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if is_gone(error):
                return None
            raise
        version_id = head.get("VersionId", "null")
        sha256 = whole_object_sha256(head)
        if sha256 is None:
            body = self._clients.s3.get_object(Bucket=bucket, Key=key, VersionId=version_id)["Body"]
            sha256 = sha256_in_time(body, enough)
        return ModelArtifact(uri=uri, version_id=version_id, size=head["ContentLength"], sha256=sha256)


def in_order(versions: Iterable[Any], markers: Iterable[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """One page as S3 wrote it, before its versions and delete markers were put apart.

    Within each kind S3's order stays, which is that of storing and not of dates: a multipart upload is dated at its
    beginning. Between the kinds the later date is first, and of one second the version.
    """
    by_key: dict[str, tuple[list[Any], list[Any]]] = {}
    for version in versions:
        by_key.setdefault(version["Key"], ([], []))[0].append(version)
    for marker in markers:
        by_key.setdefault(marker["Key"], ([], []))[1].append(marker)
    for key in sorted(by_key, key=str.encode):
        stored, hidden = by_key[key]
        while stored or hidden:
            first = min((each for each in (stored, hidden) if each), key=_age)
            yield key, first.pop(0)


def _age(entries: list[Any]) -> tuple[bool, float]:
    return not entries[0]["IsLatest"], -entries[0]["LastModified"].timestamp()
