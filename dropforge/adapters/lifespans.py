"""What S3 and CloudWatch Logs remove by themselves, by the rules that they have at this moment.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.logs import TRAINING_JOBS_LOG_GROUP
from dropforge.adapters.s3 import in_order
from dropforge.adapters.s3_copies import side_by_side
from dropforge.domain.dataset import ListedObject
from dropforge.domain.keeping import (
    FOR_EVER,
    GONE,
    ExpiryRule,
    Kept,
    Span,
    VersionFate,
    span_of_current,
    span_of_version,
)
from dropforge.domain.training_job import ModelArtifact


class AwsLifespans:
    """Implements `ports.Lifespans`. No object is read: a list of its versions says what is there, and since when."""

    def __init__(self, clients: AwsClients, training_bucket: str, artifact_bucket: str) -> None:
        self._clients = clients
        self._training_bucket = training_bucket
        self._artifact_bucket = artifact_bucket
        self._rules = cache(self._read_rules)

    def of_dropped(self, objects: Sequence[ListedObject]) -> Mapping[ListedObject, Span]:
        bucket = self._training_bucket
        rules = self._rules(bucket) if objects else ()
        found = side_by_side(objects, lambda each: self._of_version(bucket, each.key, each.version_id, rules), _never)
        return dict(found)

    def of_copies(self, keys: Sequence[str]) -> Mapping[str, Span]:
        rules = self._rules(self._artifact_bucket) if keys else ()
        return dict(side_by_side(keys, lambda key: self._of_current(key, rules), _never))

    def of_model(self, model: ModelArtifact) -> Span:
        location = urlsplit(model.uri, allow_fragments=False)
        key = location.path.removeprefix("/")
        return self._of_version(location.netloc, key, model.version_id, self._rules(location.netloc))

    def of_log(self, written_at: datetime) -> Span:
        answer = self._clients.logs.describe_log_groups(logGroupNamePrefix=TRAINING_JOBS_LOG_GROUP)
        groups = (each for each in answer["logGroups"] if each["logGroupName"] == TRAINING_JOBS_LOG_GROUP)
        group = next(groups, None)
        if group is None:
            return GONE
        days = group.get("retentionInDays")
        return FOR_EVER if days is None else Span(Kept.UNTIL, written_at + timedelta(days=days))

    def _of_version(self, bucket: str, key: str, version_id: str, rules: tuple[ExpiryRule, ...]) -> Span:
        fates = _fates(self._listed(bucket, key))
        return span_of_version(next((fate for each, fate in fates if each == version_id), None), key, rules)

    def _of_current(self, key: str, rules: tuple[ExpiryRule, ...]) -> Span:
        """The latest of its versions; below a delete marker it is not found any more."""
        latest = next((fate for _, fate in _fates(self._listed(self._artifact_bucket, key))), None)
        return GONE if latest is None else span_of_current(latest, key, rules)

    def _listed(self, bucket: str, key: str) -> Iterator[Mapping[str, Any]]:
        """Versions and delete markers of the key, the latest first."""
        pages = self._clients.s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key)
        for page in pages:
            for name, version in in_order(page.get("Versions", []), page.get("DeleteMarkers", [])):
                if name != key:
                    return  # keys come in order, and the prefix is the first of them
                yield version

    def _read_rules(self, bucket: str) -> tuple[ExpiryRule, ...]:
        try:
            answer = self._clients.s3.get_bucket_lifecycle_configuration(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchLifecycleConfiguration":
                return ()
            raise
        return tuple(_expiry_rules(answer["Rules"]))


def _never() -> bool:
    return False


def _fates(listed: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, VersionFate]]:
    """Each version by its id; what stands before it in the list took its place."""
    replaced_at: datetime | None = None
    for each in listed:
        if "Size" in each:  # else a delete marker
            yield each["VersionId"], VersionFate(each["LastModified"], replaced_at, each["Size"])
        replaced_at = each["LastModified"]


def _expiry_rules(rules: Iterable[Mapping[str, Any]]) -> Iterator[ExpiryRule]:
    """Those that are on and ask for no tag: nothing of the stage is tagged."""
    for rule in rules:
        chosen = rule.get("Filter", {})
        together = chosen.get("And", {})
        if rule["Status"] != "Enabled" or "Tag" in chosen or together.get("Tags"):
            continue
        present, replaced = rule.get("Expiration", {}), rule.get("NoncurrentVersionExpiration", {})
        sizes = {**chosen, **together}
        yield ExpiryRule(
            prefix=chosen.get("Prefix") or together.get("Prefix") or rule.get("Prefix") or "",
            current_days=present.get("Days"),
            replaced_days=replaced.get("NoncurrentDays") if "NewerNoncurrentVersions" not in replaced else None,
            current_from=present.get("Date"),
            larger_than=sizes.get("ObjectSizeGreaterThan"),
            smaller_than=sizes.get("ObjectSizeLessThan"),
        )
