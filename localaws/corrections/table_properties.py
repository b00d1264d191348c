"""CloudFormation gives a table the properties that its template declares; the emulator drops the ones below.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localaws.corrections.wrapping import wrap_resource
from localaws.runtime import Runtime

Properties = Mapping[str, Any]
Result = tuple[str, dict[str, Any]]


def install(runtime: Runtime) -> None:
    """Apply encryption, point-in-time recovery and time to live after a table is created or updated."""

    def create(original: Callable[..., Result], logical_id: str, properties: Properties, stack: str) -> Result:
        name, attributes = original(logical_id, properties, stack)
        _apply(runtime, name, {}, properties)
        return name, attributes

    def update(original: Callable[..., Result], name: str, old: Properties, new: Properties, *rest: Any) -> Result:
        name, attributes = original(name, old, new, *rest)
        _apply(runtime, name, old, new)
        return name, attributes

    wrap_resource("AWS::DynamoDB::Table", create, "create")
    wrap_resource("AWS::DynamoDB::Table", update, "update")


def _apply(runtime: Runtime, table: str, old: Properties, new: Properties) -> None:
    dynamodb = runtime.caller.client("dynamodb")
    encryption = new.get("SSESpecification")
    if encryption and encryption != old.get("SSESpecification"):
        wanted = {"Enabled": _true(encryption.get("SSEEnabled")), "SSEType": encryption.get("SSEType", "KMS")}
        if encryption.get("KMSMasterKeyId"):
            wanted["KMSMasterKeyId"] = encryption["KMSMasterKeyId"]
        dynamodb.update_table(TableName=table, SSESpecification=wanted)
    recovery = new.get("PointInTimeRecoverySpecification")
    if recovery:
        dynamodb.update_continuous_backups(TableName=table, PointInTimeRecoverySpecification={
            "PointInTimeRecoveryEnabled": _true(recovery.get("PointInTimeRecoveryEnabled"))})  # fmt: skip
    expiry = new.get("TimeToLiveSpecification")
    if expiry and expiry != old.get("TimeToLiveSpecification"):
        dynamodb.update_time_to_live(TableName=table, TimeToLiveSpecification={
            "Enabled": _true(expiry.get("Enabled", True)), "AttributeName": expiry["AttributeName"]})  # fmt: skip


def _true(value: Any) -> bool:
    return str(value).lower() == "true"
