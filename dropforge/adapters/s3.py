"""The training bucket, where data is dropped, and the artifact bucket, where it is pinned and models arrive.

S3's default checksum (CRC64NVME) is not cryptographic, and the SHA-256 of a multipart upload is a hash of its parts'
hashes, so an object's SHA-256 is S3's own word only where that covers the whole object:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from dropforge.adapters.clients import AwsClients
from dropforge.domain.dataset import Checksum, ChecksumSource, ListedObject, Manifest, ObjectVersion
from dropforge.domain.errors import DropforgeError
from dropforge.domain.sealing import DatasetRefusedError
from dropforge.domain.training_job import ModelArtifact

LARGEST_COPY: Final = 5 * 1024**3
"""Bytes that CopyObject takes: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html"""

_CHUNK: Final = 1 << 20


class PinnedCopyError(DropforgeError):
    """A copy's bytes are not those of the version that was to be copied."""


class S3DataBucket:
    """Implements `ports.DataBucket` on the two buckets; what is written is encrypted with the stage's key."""

    def __init__(self, clients: AwsClients, training_bucket: str, artifact_bucket: str, key_arn: str) -> None:
        self._clients = clients
        self._training_bucket = training_bucket
        self._artifact_bucket = artifact_bucket
        self._encryption: Mapping[str, Any] = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_arn}

    @property
    def name(self) -> str:
        return self._training_bucket

    def current_objects(self, prefix: str) -> Iterator[ListedObject]:
        pages = self._clients.s3.get_paginator("list_object_versions").paginate(
            Bucket=self._training_bucket, Prefix=prefix
        )
        for page in pages:
            for version in page.get("Versions", []):
                if version["IsLatest"]:
                    yield ListedObject(version["Key"], version["VersionId"], version["Size"])

    def checksum(self, listed: ListedObject) -> Checksum:
        stored = self._stored_sha256(self._training_bucket, listed.key, listed.version_id)
        if stored is not None:
            return Checksum(stored, ChecksumSource.STORED)
        read = self._sha256_by_reading(self._training_bucket, listed.key, listed.version_id)
        return Checksum(read, ChecksumSource.COMPUTED)

    def pinned_keys(self, prefix: str) -> frozenset[str]:
        """A copy that turned out wrong was overwritten with nothing; no object of a dataset is empty."""
        pages = self._clients.s3.get_paginator("list_objects_v2").paginate(Bucket=self._artifact_bucket, Prefix=prefix)
        return frozenset(each["Key"] for page in pages for each in page.get("Contents", []) if each["Size"] > 0)

    def pin(self, version: ObjectVersion, to_key: str) -> None:
        """Neither tags nor metadata come along. PinnedCopyError when the copy's bytes are others than recorded."""
        if version.size > LARGEST_COPY:
            size = f"{version.key} has {version.size / 1024**3:.1f} GiB"
            raise DatasetRefusedError([f"{size}, and S3 copies at most 5 GiB at once: drop it in smaller parts"])
        answer = self._clients.s3.copy_object(
            CopySource={"Bucket": self._training_bucket, "Key": version.key, "VersionId": version.version_id},
            Bucket=self._artifact_bucket,
            Key=to_key,
            ChecksumAlgorithm="SHA256",
            MetadataDirective="REPLACE",
            TaggingDirective="REPLACE",
            **self._encryption,
        )
        copied = whole_object_sha256(answer["CopyObjectResult"]) or self._sha256(to_key, answer["VersionId"])
        if copied != version.sha256:
            self._clients.s3.put_object(Bucket=self._artifact_bucket, Key=to_key, Body=b"", **self._encryption)
            raise PinnedCopyError(
                f"The copy of {version.key} (version {version.version_id}) has SHA-256 {copied}, not {version.sha256} "
                "as recorded: it was emptied and is copied anew at the next delivery; if that repeats, upload the "
                "object again."
            )

    def put_manifest(self, key: str, manifest: Manifest) -> None:
        """Its name is the hash of its bytes, so a second put writes the same."""
        self._clients.s3.put_object(
            Bucket=self._artifact_bucket,
            Key=key,
            Body=manifest.to_bytes(),
            ContentType="application/json",
            ChecksumAlgorithm="SHA256",
            **self._encryption,
        )

    def manifest(self, key: str) -> Manifest:
        answer = self._clients.s3.get_object(Bucket=self._artifact_bucket, Key=key)
        return Manifest.from_bytes(answer["Body"].read())

    def model_artifact(self, uri: str) -> ModelArtifact | None:
        location = urlsplit(uri, allow_fragments=False)
        bucket, key = location.netloc, location.path.removeprefix("/")
        try:
            head = self._clients.s3.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in {"404", "NoSuchKey", "NotFound"}:
                return None
            raise
        version_id = head.get("VersionId", "null")
        sha256 = self._sha256_by_reading(bucket, key, version_id)
        return ModelArtifact(uri=uri, version_id=version_id, size=head["ContentLength"], sha256=sha256)

    def _sha256(self, key: str, version_id: str) -> str:
        """Of a pinned object."""
        bucket = self._artifact_bucket
        return self._stored_sha256(bucket, key, version_id) or self._sha256_by_reading(bucket, key, version_id)

    def _stored_sha256(self, bucket: str, key: str, version_id: str) -> str | None:
        head = self._clients.s3.head_object(Bucket=bucket, Key=key, VersionId=version_id, ChecksumMode="ENABLED")
        return whole_object_sha256(head)

    def _sha256_by_reading(self, bucket: str, key: str, version_id: str) -> str:
        body = self._clients.s3.get_object(Bucket=bucket, Key=key, VersionId=version_id)["Body"]
        digest = hashlib.sha256()
        for chunk in body.iter_chunks(_CHUNK):
            digest.update(chunk)
        return digest.hexdigest()


def whole_object_sha256(answer: Mapping[str, Any]) -> str | None:
    """The hex SHA-256 in an answer of S3's; None when it states none or one of parts, which ends in `-<parts>`."""
    checksum = answer.get("ChecksumSHA256")
    if not checksum or answer.get("ChecksumType") == "COMPOSITE" or "-" in checksum:
        return None
    return base64.b64decode(checksum, validate=True).hex()
