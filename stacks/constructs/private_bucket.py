"""A bucket that only this account reads, only over TLS, encrypted, versioned, and whose accesses are logged."""

from __future__ import annotations

from typing import cast

from aws_cdk import Aws, Duration, RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.acknowledgements import acknowledge
from stacks.names import Names
from stacks.policies import allow_service

MIN_TLS_VERSION = 1.2


class PrivateBucket(s3.Bucket):
    """Versioned, encrypted, closed to the public; logs its accesses below `<id>/`.

    `key` is None where S3's own key encrypts: what is to outlive everything else must not hang on a key that an
    administrator can have deleted.
    `name` is None where nothing but the stack itself needs to know it. Uploads that were begun and never completed
    are removed after `failed_upload_days`; objects after `objects_days`, or never; versions that newer ones or expiry
    replaced after `old_versions_days`, or never. A `lockable` bucket is made with object lock, which locks nothing by
    itself: for `lock_days` after a version was written nobody, whatever their permissions, removes it or shortens that
    time. None: no version is locked that is written from then on.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str | None,
        key: kms.IKey | None,
        log_bucket: s3.IBucket,
        removal: RemovalPolicy,
        failed_upload_days: int,
        old_versions_days: int | None = None,
        lockable: bool = False,
        lock_days: int | None = None,
        objects_days: int | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            bucket_name=name,
            encryption=s3.BucketEncryption.S3_MANAGED if key is None else s3.BucketEncryption.KMS,
            encryption_key=key,
            bucket_key_enabled=key is not None,
            versioned=True,
            enforce_ssl=True,
            minimum_tls_version=MIN_TLS_VERSION,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=removal,
            object_lock_enabled=lockable,
            lifecycle_rules=[
                s3.LifecycleRule(
                    id="failed-uploads", abort_incomplete_multipart_upload_after=Duration.days(failed_upload_days)
                ),
                *_expire(objects_days),
                *_forget_old_versions(old_versions_days),
            ],
        )
        if lockable:
            template_bucket(self).object_lock_configuration = _locked(lock_days)
        # The L2 property would edit the log bucket's policy across stacks; the log bucket admits the deployment's own.
        template_bucket(self).logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=log_bucket.bucket_name, log_file_prefix=f"{scope.node.id}/{construct_id}/"
        )


def template_bucket(bucket: s3.Bucket) -> s3.CfnBucket:
    """The resource as the template has it, for properties that the construct library sets in ways of its own."""
    return cast("s3.CfnBucket", bucket.node.default_child)


class AccessLogBucket(s3.Bucket):
    """Where the other buckets' access logs go: S3 writes them only to buckets that S3 itself encrypts.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, names: Names, removal: RemovalPolicy, keep_days: int
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            bucket_name=names.bucket("access-logs"),
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            minimum_tls_version=MIN_TLS_VERSION,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=removal,
            lifecycle_rules=[s3.LifecycleRule(id="old-logs", expiration=Duration.days(keep_days))],
        )
        self.add_to_resource_policy(
            allow_service(
                "logging.s3.amazonaws.com",
                ["s3:PutObject"],
                [self.arn_for_objects("*")],
                source_arn=f"arn:{Aws.PARTITION}:s3:::{names.deployment}-*",
            )
        )
        acknowledge(
            self, "S1", "The bucket of the access logs does not log the access to itself: that would never end."
        )


def _locked(days: int | None) -> s3.CfnBucket.ObjectLockConfigurationProperty:
    """In compliance mode, or without a rule, so that an update takes away what was there.

    CloudFormation replaces a bucket for whose sake object lock itself is switched, and the rule alone it updates:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-s3-bucket-objectlockconfiguration.html
    """
    retention = None if days is None else s3.CfnBucket.DefaultRetentionProperty(mode="COMPLIANCE", days=days)
    rule = None if retention is None else s3.CfnBucket.ObjectLockRuleProperty(default_retention=retention)
    return s3.CfnBucket.ObjectLockConfigurationProperty(object_lock_enabled="Enabled", rule=rule)


def _expire(days: int | None) -> list[s3.LifecycleRule]:
    return [] if days is None else [s3.LifecycleRule(id="objects", expiration=Duration.days(days))]


def _forget_old_versions(days: int | None) -> list[s3.LifecycleRule]:
    if days is None:
        return []
    return [
        s3.LifecycleRule(
            id="old-versions",
            noncurrent_version_expiration=Duration.days(days),
            expired_object_delete_marker=True,
        )
    ]
