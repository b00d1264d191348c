"""Compare a table that was restored beside with the one in use, and put back into that what is gone from it.

    python -m scripts.put_back restored-dropforge-prod-state dropforge-prod-state
    python -m scripts.put_back restored-dropforge-prod-state dropforge-prod-state --begins 'RUN#3f2a91' --put

Each item of the first that the second has not, or has otherwise, is a line: `gone` or `differs`, its `pk`, its `sk`.
`--begins` leaves out those whose `pk` begins otherwise. With `--put` what is gone is put back, on condition that it is
still absent; what differs is never written over. The exit code is 1 as long as anything is gone or differs. Account
and region are those of the environment. docs/operations.md, "Restore", says when.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3

from dropforge.adapters.table_layout import PARTITION_KEY, SORT_KEY

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]
"""As the API has it, `{name: {type: value}}`: what is read is what is put, digit for digit."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("restored")
    parser.add_argument("present")
    parser.add_argument("--begins", default="", help="only items whose pk begins so")
    parser.add_argument("--put", action="store_true", help="put back what is gone")
    given = parser.parse_args()
    dynamodb = boto3.client("dynamodb")
    present = {_key(item): hash(_text(item)) for item in _items(dynamodb, given.present, given.begins)}
    left = 0
    for item in _items(dynamodb, given.restored, given.begins):
        key = _key(item)
        if present.get(key) == hash(_text(item)):
            continue
        if key in present:
            said = "differs"
        elif given.put:
            said = "put back" if _put(dynamodb, given.present, item) else "differs"
        else:
            said = "gone"
        left += said != "put back"
        print(said, *key, sep="\t")
    return 1 if left else 0


def _items(dynamodb: DynamoDBClient, table: str, beginning: str) -> Iterator[Item]:
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from (item for item in page["Items"] if _key(item)[0].startswith(beginning))


def _put(dynamodb: DynamoDBClient, table: str, item: Item) -> bool:
    """Whether it was absent until now."""
    try:
        dynamodb.put_item(TableName=table, Item=item, ConditionExpression=f"attribute_not_exists({PARTITION_KEY})")
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True


def _key(item: Item) -> tuple[str, str]:
    return item[PARTITION_KEY]["S"], item[SORT_KEY]["S"]


def _text(item: Item) -> str:
    """The same for the same item; sets come in any order."""
    return json.dumps(item, sort_keys=True, default=repr)


if __name__ == "__main__":
    sys.exit(main())
