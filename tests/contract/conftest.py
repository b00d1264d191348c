"""Both implementations of each port: in memory, and the real adapter against a local AWS of its own.

What runs on the local AWS is marked `local`; one `server` serves the whole session.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from uuid import uuid4

import pytest

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.dynamodb.store import DynamoMetadataStore
from dropforge.adapters.dynamodb.tables import Tables
from dropforge.adapters.s3 import S3DataBucket
from dropforge.adapters.s3_copies import Limits
from dropforge.domain.dataset import ListedObject
from dropforge.workflow.ports import DataBucket, MetadataStore
from tests.contract.empty_tables import empty_tables
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.memory_store import MemoryStore
from tests.localaws.local_server import LocalServer, run_command, start

ON_LOCAL_AWS = pytest.param("local aws", marks=pytest.mark.local)
BOTH = ["memory", ON_LOCAL_AWS]

LARGEST_COPY = 6 << 20
PART_SIZE = 5 << 20
"""So small that copies in parts are tested; S3 takes no smaller part but the last."""


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A local AWS that is started for these tests, and stopped with everything that it runs after them."""
    root = tmp_path_factory.mktemp("local-aws")
    server = start(root)
    try:
        yield server
    finally:
        run_command("down", "--home", str(root))


@pytest.fixture(scope="session")
def local_aws(server: LocalServer) -> Iterator[AwsClients]:
    """Its clients; meanwhile AWS's own environment variables lead every other client there too."""
    before = {name: os.environ.get(name) for name in server.environment}
    os.environ.update(server.environment)
    try:
        yield AwsClients()
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture(params=BOTH)
def store(request: pytest.FixtureRequest) -> MetadataStore:
    """An empty metadata store."""
    if request.param == "memory":
        return MemoryStore()
    tables: Tables = request.getfixturevalue("tables")
    return DynamoMetadataStore(tables)


@pytest.fixture
def tables(local_aws: AwsClients) -> Tables:
    """Two empty tables, made from the same layout as the stacks'."""
    return empty_tables(local_aws, f"contract-{uuid4().hex[:12]}")


class LocalBucket:
    """What a person and a job do to the two buckets, and the port upon them."""

    def __init__(self, aws: AwsClients) -> None:
        self._aws = aws
        self._name = f"contract-{uuid4().hex[:12]}"
        self.key = key = aws.session.client("kms").create_key()["KeyMetadata"]["Arn"]
        for bucket in (self.training, self.artifacts):
            aws.s3.create_bucket(Bucket=bucket)
            aws.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        self.port = S3DataBucket(aws, self.training, self.artifacts, key, Limits(LARGEST_COPY, PART_SIZE))

    @property
    def training(self) -> str:
        return f"{self._name}-training"

    @property
    def artifacts(self) -> str:
        return f"{self._name}-artifacts"

    def put(self, key: str, content: bytes) -> ListedObject:
        answer = self._aws.s3.put_object(Bucket=self.training, Key=key, Body=content)
        return ListedObject(key, answer["VersionId"], len(content))

    def put_with_sha256(self, key: str, content: bytes) -> ListedObject:
        """The uploader asks S3 to keep a SHA-256."""
        answer = self._aws.s3.put_object(Bucket=self.training, Key=key, Body=content, ChecksumAlgorithm="SHA256")
        return ListedObject(key, answer["VersionId"], len(content))

    def delete(self, key: str) -> None:
        self._aws.s3.delete_object(Bucket=self.training, Key=key)

    def delete_version(self, listed: ListedObject) -> None:
        self._aws.s3.delete_object(Bucket=self.training, Key=listed.key, VersionId=listed.version_id)

    def delete_copy(self, key: str) -> None:
        self._aws.s3.delete_object(Bucket=self.artifacts, Key=key)

    def put_model(self, key: str, content: bytes) -> str:
        self._aws.s3.put_object(Bucket=self.artifacts, Key=key, Body=content)
        return f"s3://{self.artifacts}/{key}"

    def pinned(self, key: str) -> bytes:
        return self._aws.s3.get_object(Bucket=self.artifacts, Key=key)["Body"].read()

    def pinned_below(self, folder: str) -> set[str]:
        """The keys."""
        pages = self._aws.s3.get_paginator("list_objects_v2").paginate(Bucket=self.artifacts, Prefix=folder)
        return {each["Key"] for page in pages for each in page["Contents"]}


class InMemoryBucket(MemoryBucket):
    @property
    def port(self) -> DataBucket:
        return self

    def pinned(self, key: str) -> bytes:
        return self.artifacts[key]

    def put_with_sha256(self, key: str, content: bytes) -> ListedObject:
        self.kept_checksums.add(key)
        return self.put(key, content)


@pytest.fixture(params=BOTH)
def bucket(request: pytest.FixtureRequest) -> LocalBucket | InMemoryBucket:
    """An empty pair of buckets."""
    return InMemoryBucket() if request.param == "memory" else LocalBucket(request.getfixturevalue("local_aws"))
