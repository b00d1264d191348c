"""The few things that the store does with its two tables, in terms of plain items.

Expressions are DynamoDB's own, with every attribute written `#name`; what `#name` stands for is filled in here.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.dynamodb.items import Item, Scalar, decoded, encoded
from dropforge.adapters.table_layout import PARTITION_KEY, SORT_KEY, Index, Key
from dropforge.domain.batching import batched
from dropforge.workflow.ports import ConflictError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

ABSENT: Final = f"attribute_not_exists(#{PARTITION_KEY})"
"""The condition that there is no such item yet."""

_MOST_READ: Final = 100
_MOST_WRITTEN: Final = 25
_TRIES: Final = 8

# Reasons for which a transaction was cancelled because somebody else wrote one of its items.
_LOST_RACES: Final = frozenset({"ConditionalCheckFailed", "TransactionConflict"})


@dataclass(frozen=True)
class Question:
    """A query: one partition of a table or index, in the order of its sort key."""

    partition: str
    index: Index | None = None
    sort: str = ""
    values: Mapping[str, Scalar] = field(default_factory=dict)
    newest_first: bool = False
    limit: int | None = None
    """Of items in all."""
    page: int | None = None
    """Of items a request, where not as much as a request can give (1 MB) is wanted."""
    table: str | None = None

    def parameters(self, default_table: str) -> dict[str, Any]:
        partition_key = self.index.partition_key if self.index else PARTITION_KEY
        condition = f"#{partition_key} = :partition" + (f" AND {self.sort}" if self.sort else "")
        parameters: dict[str, Any] = {
            "TableName": self.table or default_table,
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": _names(condition),
            "ExpressionAttributeValues": encoded({":partition": self.partition, **self.values}),
            "ScanIndexForward": not self.newest_first,
        }
        # An index of another partition key cannot be read consistently.
        parameters |= {"IndexName": self.index.name} if self.index else {"ConsistentRead": True}
        most = self.limit or self.page
        return parameters | ({"Limit": most} if most else {})


class Tables:
    """The state and the trail table. `state` and `trail` are their names."""

    def __init__(self, clients: AwsClients, state: str, trail: str) -> None:
        self._clients = clients
        self.state = state
        self.trail = trail

    @property
    def _client(self) -> DynamoDBClient:
        return self._clients.dynamodb

    def get(self, key: Key) -> dict[str, Scalar] | None:
        """The item as it is now, read consistently."""
        answer = self._client.get_item(TableName=self.state, Key=_key(key), ConsistentRead=True)
        return decoded(answer["Item"]) if "Item" in answer else None

    def get_all(self, keys: Iterable[Key]) -> Iterator[dict[str, Scalar]]:
        """The items that exist of these keys, read consistently, a hundred a request, in no order."""
        for some in batched(dict.fromkeys(keys), _MOST_READ):
            wanted: Mapping[str, Any] = {self.state: {"Keys": [_key(key) for key in some], "ConsistentRead": True}}
            for pause in _pauses():
                answer = self._client.batch_get_item(RequestItems=wanted)
                yield from map(decoded, answer["Responses"].get(self.state, []))
                wanted = answer.get("UnprocessedKeys", {})
                if not wanted:
                    break
                time.sleep(pause)

    def put(self, item: Item) -> None:
        self._client.put_item(TableName=self.state, Item=encoded(item))

    def put_all(self, items: Iterable[Item]) -> None:
        """Put many items without a condition, twenty-five a request."""
        for some in batched(items, _MOST_WRITTEN):
            wanted: Mapping[str, Any] = {self.state: [{"PutRequest": {"Item": encoded(item)}} for item in some]}
            for pause in _pauses():
                wanted = self._client.batch_write_item(RequestItems=wanted).get("UnprocessedItems", {})
                if not wanted:
                    break
                time.sleep(pause)

    def put_if_absent(self, item: Item) -> bool:
        """Whether it was put; False when there is an item of that key."""
        try:
            self._client.put_item(
                TableName=self.state,
                Item=encoded(item),
                ConditionExpression=ABSENT,
                ExpressionAttributeNames=_names(ABSENT),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return False
        return True

    def take_out(self, key: Key, attribute: str) -> None:
        """Of what is over; the item stays, if it is there, so that nobody need be allowed to delete any."""
        self.update(key, f"REMOVE #{attribute}", {}, f"attribute_exists(#{PARTITION_KEY})")

    def update(
        self, key: Key, expression: str, values: Mapping[str, Scalar], condition: str = ""
    ) -> dict[str, Scalar] | None:
        """The item after the update; None when the condition did not hold."""
        parameters: dict[str, Any] = update_parameters(self.state, key, expression, values, condition)
        try:
            answer = self._client.update_item(**parameters, ReturnValues="ALL_NEW")
        except self._client.exceptions.ConditionalCheckFailedException:
            return None
        return decoded(answer["Attributes"])

    def query(self, question: Question) -> Iterator[dict[str, Scalar]]:
        """The items in order, at most `limit`; a page (1 MB) is read when the one before is used up."""
        parameters, left = question.parameters(self.state), question.limit
        while True:
            answer = self._client.query(**parameters)
            yield from map(decoded, answer["Items"])
            left = None if left is None else left - len(answer["Items"])
            if "LastEvaluatedKey" not in answer or left == 0:
                return
            parameters["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
            parameters |= {} if left is None else {"Limit": left}

    def transact(self, writes: Sequence[TransactWriteItemTypeDef]) -> None:
        """All or none. ConflictError when a condition does not hold or another transaction is in the way.

        boto3 gives each call a token and repeats it in its own retries, so that a write whose answer was lost is not
        written twice.
        """
        try:
            self._client.transact_write_items(TransactItems=writes)
        except self._client.exceptions.TransactionCanceledException as cancelled:
            reasons = {reason.get("Code") for reason in cancelled.response.get("CancellationReasons", [])}
            if reasons & _LOST_RACES:
                raise ConflictError("Somebody else wrote first: read again and decide again.") from cancelled
            raise

    def put_write(self, item: Item, condition: str = "", values: Item | None = None) -> TransactWriteItemTypeDef:
        """A put into the state table, as a part of a transaction."""
        return put_write(self.state, item, condition, values)

    def update_write(self, key: Key, expression: str, values: Mapping[str, Scalar]) -> TransactWriteItemTypeDef:
        """An update of the state table, without a condition, as a part of a transaction."""
        parameters: Any = update_parameters(self.state, key, expression, values)
        return {"Update": parameters}


def put_write(table: str, item: Item, condition: str = "", values: Item | None = None) -> TransactWriteItemTypeDef:
    parameters: dict[str, Any] = {"TableName": table, "Item": encoded(item)}
    if condition:
        parameters |= {"ConditionExpression": condition, "ExpressionAttributeNames": _names(condition)}
    if values:
        parameters["ExpressionAttributeValues"] = encoded(values)
    return {"Put": parameters}  # type: ignore[typeddict-item]


def update_parameters(
    table: str, key: Key, expression: str, values: Mapping[str, Scalar], condition: str = ""
) -> dict[str, Any]:
    """What UpdateItem, and an update within a transaction, take."""
    parameters: dict[str, Any] = {
        "TableName": table,
        "Key": _key(key),
        "UpdateExpression": expression,
        "ExpressionAttributeNames": _names(f"{expression} {condition}"),
    }
    if values:
        parameters["ExpressionAttributeValues"] = encoded(values)
    return parameters | ({"ConditionExpression": condition} if condition else {})


def _names(expression: str) -> dict[str, str]:
    return {f"#{name}": name for name in re.findall(r"#(\w+)", expression)}


def _key(key: Key) -> dict[str, Any]:
    return {PARTITION_KEY: {"S": key.partition}, SORT_KEY: {"S": key.sort}}


def _pauses() -> Iterator[float]:
    """Between 50 ms and 3.2 s before each further try; an error when DynamoDB still leaves something undone."""
    for number in range(_TRIES):
        yield 0.05 * 2.0 ** min(number, 6)
    raise TimeoutError("DynamoDB left a part of a batch undone eight times; it is throttling: try again.")
