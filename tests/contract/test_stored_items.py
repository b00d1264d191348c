"""Every kind of item as the first version of the schema has it: kept as a file that is only ever added to, and read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.dynamodb.store import DynamoMetadataStore
from dropforge.adapters.dynamodb.tables import Tables
from dropforge.adapters.table_layout import PARTITION_KEY, SCHEMA, SCHEMA_VERSION, SORT_KEY
from tests.contract.every_item import answers, write_every_item
from tests.fakes.memory_store import MemoryStore

pytestmark = pytest.mark.local
SCHEMA_1: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent / "stored_items" / "schema_1.json").read_text(encoding="utf-8")
)
"""By table, in DynamoDB's own notation, as `write_every_item` left them."""


def items(aws: AwsClients, tables: Tables) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind, table in (("state", tables.state), ("trail", tables.trail)):
        for found in aws.dynamodb.scan(TableName=table)["Items"]:
            yield kind, dict(found)


def shape(kind: str, found: dict[str, Any]) -> tuple[str, ...]:
    """Its key and the names and types of its attributes."""
    attributes = sorted(f"{name}:{next(iter(value))}" for name, value in found.items())
    return (kind, found[PARTITION_KEY]["S"], found[SORT_KEY]["S"], *attributes)


def test_what_the_first_version_wrote_is_read_whole_by_every_question(local_aws: AwsClients, tables: Tables) -> None:
    for table, kept in ((tables.state, SCHEMA_1["state"]), (tables.trail, SCHEMA_1["trail"])):
        for each in kept:
            local_aws.dynamodb.put_item(TableName=table, Item=each)
    written = MemoryStore()
    write_every_item(written)
    expected = dict(answers(written))
    assert dict(answers(DynamoMetadataStore(tables))) == expected
    assert all(answer not in (None, (), [], {}, set()) for name, answer in expected.items() if name != "unsigned")


def test_every_item_carries_its_schema_and_is_written_as_the_first_version_wrote_it(
    local_aws: AwsClients, tables: Tables
) -> None:
    write_every_item(DynamoMetadataStore(tables))
    written = list(items(local_aws, tables))
    assert [found for _, found in written if found.get(SCHEMA) != {"N": str(SCHEMA_VERSION)}] == []
    kept = {shape(kind, each) for kind, some in SCHEMA_1.items() for each in some}
    assert {shape(*each) for each in written} == kept, "a change of what is written takes a new schema version"
