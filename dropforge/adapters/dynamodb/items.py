"""Items of DynamoDB as plain Python values.

An item is a flat mapping of text, whole numbers and truth values. A record's nested document is one attribute with its
canonical JSON text: DynamoDB's own number type gives 1.0 back as 1, and what is hashed must come back as it went in.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from dropforge.adapters.table_layout import PARTITION_KEY, SCHEMA, SCHEMA_VERSION, SORT_KEY, Key
from dropforge.domain.canonical import canonical
from dropforge.domain.encoding import decode, encode
from dropforge.domain.errors import DropforgeError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

Scalar = str | int | bool
Item = Mapping[str, Scalar]
T = TypeVar("T")


class NewerSchemaError(DropforgeError):
    """An item was written by a later release, whose meaning is not known here."""


def item(key: Key, attributes: Mapping[str, Scalar | None]) -> dict[str, Scalar]:
    """An item of the current schema under the key; attributes that are None are left out."""
    given = {name: value for name, value in attributes.items() if value is not None}
    return {PARTITION_KEY: key.partition, SORT_KEY: key.sort, SCHEMA: SCHEMA_VERSION, **given}


def encoded(values: Mapping[str, Scalar]) -> dict[str, AttributeValueTypeDef]:
    """The values as DynamoDB's client takes them."""
    return {name: _encoded_value(value) for name, value in values.items()}


def decoded(attributes: Mapping[str, Any]) -> dict[str, Scalar]:
    """The item as DynamoDB's client, or a stream's record, gives it; NewerSchemaError for one of a later release."""
    values = {name: _decoded_value(name, value) for name, value in attributes.items()}
    if int(values.get(SCHEMA, SCHEMA_VERSION)) > SCHEMA_VERSION:
        raise NewerSchemaError(
            f"The item {values.get(PARTITION_KEY)} / {values.get(SORT_KEY)} has schema {values[SCHEMA]}; this release "
            f"reads up to {SCHEMA_VERSION}: use the Dropforge release with which the stage was last deployed."
        )
    return values


def text_of(value: object) -> str:
    """A domain value as the text of one attribute."""
    return canonical(encode(value)).decode()


def value_of(kind: type[T], text: Scalar) -> T:
    """The domain value that `text_of` wrote."""
    return decode(kind, json.loads(str(text)))


def _encoded_value(value: Scalar) -> AttributeValueTypeDef:
    if isinstance(value, bool):
        return {"BOOL": value}
    return {"N": str(value)} if isinstance(value, int) else {"S": value}


def _decoded_value(name: str, value: Mapping[str, Any]) -> Scalar:
    match value:
        case {"S": str(text)}:
            return text
        case {"N": number}:
            return int(number)
        case {"BOOL": bool(truth)}:
            return truth
    raise TypeError(f"The attribute {name} is of type {', '.join(value)}, which no item of this store has.")
