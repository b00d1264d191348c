"""CloudFormation gives a bucket the properties that its template declares; the emulator drops the ones below.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
Each goes through the S3 API, so that an unacceptable one fails the deployment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localaws.corrections.wrapping import wrap_resource
from localaws.runtime import Runtime

Properties = Mapping[str, Any]
Result = tuple[str, dict[str, Any]]


def install(runtime: Runtime) -> None:
    """Apply encryption, life cycle, ownership, access logging and object lock after a bucket is created or updated."""

    def create(original: Callable[..., Result], logical_id: str, properties: Properties, stack: str) -> Result:
        name, attributes = original(logical_id, properties, stack)
        _apply(runtime.caller.client("s3"), name, properties)
        return name, attributes

    def update(original: Callable[..., Result], name: str, old: Properties, new: Properties, *rest: Any) -> Result:
        name, attributes = original(name, old, new, *rest)
        s3 = runtime.caller.client("s3")
        if "BucketEncryption" in old and "BucketEncryption" not in new:
            s3.delete_bucket_encryption(Bucket=name)
        if "LifecycleConfiguration" in old and "LifecycleConfiguration" not in new:
            s3.delete_bucket_lifecycle(Bucket=name)
        _apply(s3, name, new)
        return name, attributes

    wrap_resource("AWS::S3::Bucket", create, "create")
    wrap_resource("AWS::S3::Bucket", update, "update")


def _apply(s3: Any, bucket: str, properties: Properties) -> None:
    encryption = properties.get("BucketEncryption")
    if encryption:
        rules = [_encryption_rule(rule) for rule in encryption["ServerSideEncryptionConfiguration"]]
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})
    lifecycle = properties.get("LifecycleConfiguration")
    if lifecycle:
        rules = [lifecycle_rule(rule) for rule in lifecycle["Rules"]]
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    ownership = properties.get("OwnershipControls")
    if ownership:
        s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": ownership["Rules"]})
    logging = properties.get("LoggingConfiguration")
    if logging:
        target = {"TargetBucket": logging.get("DestinationBucketName", bucket),
                  "TargetPrefix": logging.get("LogFilePrefix", "")}  # fmt: skip
        s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": target})

    lock = properties.get("ObjectLockConfiguration", {})
    if lock or _true(properties.get("ObjectLockEnabled", False)):
        s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=_lock(lock))


def _lock(lock: Properties) -> dict[str, Any]:
    """As declared, with whole numbers in place of the text that a template may have."""
    retention = dict(lock.get("Rule", {}).get("DefaultRetention", {}))
    spans = {name: int(retention[name]) for name in ("Days", "Years") if name in retention}
    rule = {"Rule": {"DefaultRetention": {"Mode": retention["Mode"], **spans}}} if retention else {}
    return {"ObjectLockEnabled": lock.get("ObjectLockEnabled", "Enabled"), **rule}


def _encryption_rule(rule: Properties) -> dict[str, Any]:
    translated: dict[str, Any] = {"BucketKeyEnabled": _true(rule.get("BucketKeyEnabled", False))}
    if rule.get("ServerSideEncryptionByDefault"):
        translated["ApplyServerSideEncryptionByDefault"] = dict(rule["ServerSideEncryptionByDefault"])
    return translated


def lifecycle_rule(rule: Properties) -> dict[str, Any]:
    """Translate a template's life-cycle rule to the API's, which nests and names some members otherwise."""
    translated: dict[str, Any] = {"Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
    if rule.get("Id"):
        translated["ID"] = rule["Id"]
    for member in ("AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration"):
        if rule.get(member):
            translated[member] = {name: int(value) for name, value in rule[member].items()}
    if rule.get("NoncurrentVersionExpirationInDays"):
        translated["NoncurrentVersionExpiration"] = {"NoncurrentDays": int(rule["NoncurrentVersionExpirationInDays"])}
    if rule.get("ExpirationInDays"):
        translated["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    elif rule.get("ExpiredObjectDeleteMarker"):
        translated["Expiration"] = {"ExpiredObjectDeleteMarker": _true(rule["ExpiredObjectDeleteMarker"])}
    moves = rule.get("Transitions") or ()
    transitions = [{"Days": int(move["TransitionInDays"]), "StorageClass": move["StorageClass"]} for move in moves]
    return translated | ({"Transitions": transitions} if transitions else {})


def _true(value: Any) -> bool:
    return str(value).lower() == "true"
