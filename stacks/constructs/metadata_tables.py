"""The metadata store: the table of the present state, and the table of what happened, which only grows."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct

from dropforge.adapters.table_layout import INDEXES, PARTITION_KEY, SORT_KEY
from stacks.names import Names


class MetadataTable(dynamodb.Table):
    """On demand, recoverable to any second of the last 35 days, encrypted with the customer's key."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        key: kms.IKey,
        removal: RemovalPolicy,
        streams: bool = False,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            table_name=name,
            partition_key=_text(PARTITION_KEY),
            sort_key=_text(SORT_KEY),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            stream=dynamodb.StreamViewType.NEW_IMAGE if streams else None,
            deletion_protection=removal is not RemovalPolicy.DESTROY,
            removal_policy=removal,
        )


class MetadataTables(Construct):
    """`state` streams its new items, so that what is to be announced announces itself; `trail` is never changed."""

    def __init__(
        self, scope: Construct, construct_id: str, *, names: Names, key: kms.IKey, removal: RemovalPolicy
    ) -> None:
        super().__init__(scope, construct_id)
        self.state = MetadataTable(self, "State", name=names.of("state"), key=key, removal=removal, streams=True)
        for index in INDEXES:
            self.state.add_global_secondary_index(
                index_name=index.name, partition_key=_text(index.partition_key), sort_key=_text(index.sort_key)
            )
        self.trail = MetadataTable(self, "Trail", name=names.of("trail"), key=key, removal=removal)


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
