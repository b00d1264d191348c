"""Input channels: which objects of S3 a channel holds, and how they reach the program.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

from __future__ import annotations

import json
import posixpath
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError


class JobError(Exception):
    """The job cannot go on; the message is its FailureReason, "ClientError: …" where the user can mend it."""


@dataclass(frozen=True)
class Item:
    """One object of a channel, and its path below the channel's folder."""

    bucket: str
    key: str
    path: PurePosixPath


@dataclass(frozen=True)
class Channel:
    """One member of InputDataConfig."""

    name: str
    mode: str
    data_type: str
    uri: str
    distribution: str
    content_type: str | None
    gunzip: bool
    shuffle_seed: int | None

    @classmethod
    def of(cls, request: Mapping[str, Any], default_mode: str) -> Channel:
        """Read a channel of CreateTrainingJob."""
        source = request["DataSource"]["S3DataSource"]
        return cls(
            name=request["ChannelName"],
            mode=request.get("InputMode", default_mode),
            data_type=source["S3DataType"],
            uri=source["S3Uri"],
            distribution=source.get("S3DataDistributionType", "FullyReplicated"),
            content_type=request.get("ContentType"),
            gunzip=request.get("CompressionType") == "Gzip",
            shuffle_seed=(request.get("ShuffleConfig") or {}).get("Seed"),
        )


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of s3://bucket/key."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def items(s3: Any, channel: Channel, role_arn: str) -> list[Item]:
    """List what a channel holds, in the order of keys; raise JobError if that is nothing or cannot be listed."""
    with data_errors(channel.uri, role_arn):
        found = _manifest(s3, channel) if channel.data_type == "ManifestFile" else _prefix(s3, channel.uri)
    if not found:
        bucket, _ = split_uri(channel.uri)
        raise JobError(
            f'ClientError: Data download failed:No S3 objects found under S3 URL "{channel.uri}" given in input data '
            "source. Please ensure that the bucket exists in the selected region, that objects exist under that S3 "
            f'prefix, and that the role "{role_arn}" has "s3:ListBucket" permissions on bucket "{bucket}".'
        )
    return found


def download(s3: Any, channel: Channel, role_arn: str, folder: Path) -> None:
    """Write a channel's objects below its folder (File and FastFile mode); raise JobError where that cannot be."""
    folder.mkdir(parents=True)
    for item in items(s3, channel, role_arn):
        target = folder / item.path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with data_errors(f"s3://{item.bucket}/{item.key}", role_arn), target.open("xb") as file:
                shutil.copyfileobj(s3.get_object(Bucket=item.bucket, Key=item.key)["Body"], file, 1 << 20)
        except (FileExistsError, NotADirectoryError) as error:
            raise JobError(
                f"ClientError: Data download failed:In File mode {item.path} of channel {channel.name} would be both a "
                "file and a folder. Rename one of the objects."
            ) from error


@contextmanager
def data_errors(uri: str, role_arn: str) -> Iterator[None]:
    """Turn S3's refusals into the job's failure reason."""
    try:
        yield
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if code in {"AccessDenied", "403"}:
            raise JobError(
                f"ClientError: Data download failed:Failed to read {uri}. Access denied for role {role_arn}: {message}"
            ) from error
        raise JobError(f"ClientError: Data download failed:Failed to read {uri}: {code}: {message}") from error
    except BotoCoreError as error:
        raise JobError(f"InternalServerError: {uri} could not be read: {error}") from error


def _prefix(s3: Any, uri: str) -> list[Item]:
    bucket, prefix = split_uri(uri)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", ()) if not entry["Key"].endswith("/")]
    return [Item(bucket, key, _inside(key, _relative(key, prefix))) for key in keys]


def _relative(key: str, prefix: str) -> str:
    """Return the path below the channel's folder: what follows the prefix, or the folder that the prefix is in."""
    folder = prefix if prefix.endswith("/") else f"{prefix}/"
    if prefix and key.startswith(folder):
        return key[len(folder) :]
    return key[len(posixpath.dirname(prefix)) :].lstrip("/")


def _manifest(s3: Any, channel: Channel) -> list[Item]:
    bucket, key = split_uri(channel.uri)
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        head, *paths = json.loads(content)
        base_bucket, base_key = split_uri(head["prefix"])
    except (ValueError, TypeError, KeyError) as error:
        raise JobError(
            f'ClientError: Data download failed:{channel.uri} is no manifest: it must be a JSON list of {{"prefix": '
            '"s3://…"} and the keys that follow that prefix.'
        ) from error
    return [Item(base_bucket, base_key + path, _inside(path, path)) for path in paths]


def _inside(key: str, relative: str) -> PurePosixPath:
    path = PurePosixPath(relative)
    if not path.parts or path.is_absolute() or ".." in path.parts:
        raise JobError(f"ClientError: Data download failed:The key {key!r} leads outside of the channel's folder.")
    return path
