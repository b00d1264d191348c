"""Signed statements in S3: of models beside them, of trails in the audit bucket, where none is ever put over another.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
What is locked is encrypted with S3's own key: that of a stage can be scheduled for deletion, and would take it along.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingServerSideEncryption.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.s3_refusals import is_gone
from dropforge.domain.artifact_layout import statement_name, trail_statement_key, trail_statements_prefix
from dropforge.domain.run import StoredStatement
from dropforge.domain.training_job import ModelArtifact

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectRequestTypeDef, ObjectVersionTypeDef

_Encryption = Mapping[str, Any]
_BY_S3: Final[_Encryption] = {"ServerSideEncryption": "AES256"}


class S3Statements:
    """Implements `ports.Statements`; what is written beside models is encrypted with the stage's key, as they are."""

    def __init__(self, clients: AwsClients, audit_bucket: str, key_arn: str) -> None:
        self._clients = clients
        self._audit_bucket = audit_bucket
        self._as_models_are: _Encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_arn}

    def put_beside(self, model: ModelArtifact, envelope: bytes) -> StoredStatement:
        bucket, key = _place(statement_name(model.uri))
        return self._put(bucket, key, envelope, self._as_models_are)

    def put_trail_head(self, run_id: str, sequence: int, envelope: bytes) -> StoredStatement:
        return self._put(self._audit_bucket, trail_statement_key(run_id, sequence), envelope, _BY_S3)

    def _put(self, bucket: str, key: str, envelope: bytes, encryption: _Encryption) -> StoredStatement:
        """With a checksum, which a bucket under object lock demands."""
        answer = self._clients.s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=envelope,
            ContentType="application/jsonl",
            ChecksumAlgorithm="SHA256",
            **encryption,
        )
        return StoredStatement(f"s3://{bucket}/{key}", answer["VersionId"])

    def read(self, stored: StoredStatement) -> bytes | None:
        bucket, key = _place(stored.uri)
        return self._content({"Bucket": bucket, "Key": key, "VersionId": stored.version_id})

    def beside(self, model_uri: str) -> bytes | None:
        bucket, key = _place(statement_name(model_uri))
        return self._content({"Bucket": bucket, "Key": key})

    def trail_heads(self, run_id: str) -> tuple[bytes, ...]:
        found = (
            self._content({"Bucket": self._audit_bucket, "Key": each["Key"], "VersionId": each["VersionId"]})
            for each in self._versions(trail_statements_prefix(run_id))
        )
        return tuple(envelope for envelope in found if envelope is not None)

    def runs_with_trail_heads(self) -> Iterator[str]:
        """S3 lists in the order of keys, so a run's heads come together."""
        told, beginning = "", trail_statements_prefix()
        for each in self._versions(beginning):
            run_id = each["Key"].removeprefix(beginning).partition("/")[0]
            if run_id != told:
                yield run_id
                told = run_id

    def _versions(self, prefix: str) -> Iterator[ObjectVersionTypeDef]:
        """Also those that a delete marker hides."""
        pages = self._clients.s3.get_paginator("list_object_versions").paginate(
            Bucket=self._audit_bucket, Prefix=prefix
        )
        for page in pages:
            yield from page.get("Versions", [])

    def _content(self, request: GetObjectRequestTypeDef) -> bytes | None:
        try:
            return self._clients.s3.get_object(**request)["Body"].read()
        except ClientError as error:
            if is_gone(error):
                return None
            raise


def _place(uri: str) -> tuple[str, str]:
    location = urlsplit(uri, allow_fragments=False)
    return location.netloc, location.path.removeprefix("/")
