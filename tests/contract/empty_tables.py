"""The two tables as the stacks make them, without a stack."""

from __future__ import annotations

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.dynamodb.tables import Tables
from dropforge.adapters.table_layout import INDEXES, PARTITION_KEY, SORT_KEY


def empty_tables(aws: AwsClients, name: str) -> Tables:
    """`<name>-state` and `<name>-trail`, from the same layout as the stacks'."""
    key = [{"AttributeName": PARTITION_KEY, "KeyType": "HASH"}, {"AttributeName": SORT_KEY, "KeyType": "RANGE"}]
    indexed = [each for index in INDEXES for each in (index.partition_key, index.sort_key)]
    aws.dynamodb.create_table(
        TableName=f"{name}-state",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=key,  # type: ignore[arg-type]
        AttributeDefinitions=[
            {"AttributeName": each, "AttributeType": "S"} for each in (PARTITION_KEY, SORT_KEY, *indexed)
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index.name,
                "KeySchema": [
                    {"AttributeName": index.partition_key, "KeyType": "HASH"},
                    {"AttributeName": index.sort_key, "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
            for index in INDEXES
        ],
    )
    aws.dynamodb.create_table(
        TableName=f"{name}-trail",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=key,  # type: ignore[arg-type]
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in (PARTITION_KEY, SORT_KEY)],
    )
    return Tables(aws, f"{name}-state", f"{name}-trail")
