"""A log group that is made before its writer, so that its retention and its encryption hold from the first line."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct


class PrivateLogGroup(logs.CfnLogGroup):
    """Encrypted with the customer's key and kept for `days`."""

    def __init__(
        self, scope: Construct, construct_id: str, *, name: str, key: kms.IKey, days: int, removal: RemovalPolicy
    ) -> None:
        super().__init__(scope, construct_id, log_group_name=name, kms_key_id=key.key_arn, retention_in_days=days)
        self.apply_removal_policy(removal)
        self.name = name
