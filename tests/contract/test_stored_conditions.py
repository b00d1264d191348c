"""Conditions of the real tables that matter when another one has nothing to hold on to: one table was restored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dropforge.adapters import table_layout as layout
from dropforge.adapters.clients import AwsClients
from dropforge.adapters.dynamodb.pools import DynamoPools
from dropforge.adapters.dynamodb.store import DynamoMetadataStore
from dropforge.adapters.dynamodb.tables import Tables
from dropforge.adapters.table_layout import PARTITION_KEY, SORT_KEY
from dropforge.domain.announcement import Outcome
from dropforge.domain.dataset import ListedObject
from dropforge.domain.pinning import Binding, Pin
from dropforge.domain.run import Run
from dropforge.domain.run_events import RunHeld
from dropforge.workflow.ports import ConflictError
from tests.contract.records import a_request, later

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

pytestmark = pytest.mark.local
HELD = RunHeld(later(seconds=1), Outcome.HELD, "ml.p4d.24xlarge is not allowed", "push")


def forget_trails(aws: AwsClients, tables: Tables) -> None:
    for found in aws.dynamodb.scan(TableName=tables.trail)["Items"]:
        key = {name: found[name] for name in (PARTITION_KEY, SORT_KEY)}
        aws.dynamodb.delete_item(TableName=tables.trail, Key=key)


def forget_run(aws: AwsClients, tables: Tables, run: Run) -> None:
    key = layout.run(run.id)
    names = {PARTITION_KEY: {"S": key.partition}, SORT_KEY: {"S": key.sort}}
    aws.dynamodb.delete_item(TableName=tables.state, Key=names)


def test_a_run_that_is_there_does_not_begin_again_though_its_trail_is_gone(
    local_aws: AwsClients, tables: Tables
) -> None:
    store = DynamoMetadataStore(tables)
    run = store.commit(None, a_request())
    forget_trails(local_aws, tables)
    with pytest.raises(ConflictError):
        store.commit(None, a_request())
    assert store.run(run.id) == run


def test_a_trail_entry_is_not_written_over_though_its_run_is_gone(local_aws: AwsClients, tables: Tables) -> None:
    store = DynamoMetadataStore(tables)
    run = store.commit(None, a_request())
    trail = store.trail(run.id)
    forget_run(local_aws, tables, run)
    with pytest.raises(ConflictError):
        store.commit(None, replace(a_request(), at=later(days=1)))
    assert store.trail(run.id) == trail


def test_what_was_to_be_told_is_not_told_anew_though_its_run_is_gone(local_aws: AwsClients, tables: Tables) -> None:
    store = DynamoMetadataStore(tables)
    run = store.commit(store.commit(None, a_request()), HELD)
    forget_run(local_aws, tables, run)
    forget_trails(local_aws, tables)
    again = store.commit(None, a_request())
    with pytest.raises(ConflictError):
        store.commit(again, HELD)


class Overtaken(Tables):
    """Just before the first transaction, somebody else is faster."""

    def let_first(self, other: Pin) -> None:
        self._other: Pin | None = other

    def transact(self, writes: Sequence[TransactWriteItemTypeDef]) -> None:
        other, self._other = self._other, None
        if other is not None:
            DynamoPools(Tables(self._clients, state=self.state, trail=self.trail)).bind([other])
        super().transact(writes)


def test_a_key_that_somebody_binds_at_the_same_moment_keeps_its_binding(tables: Tables) -> None:
    key = "datasets/digits/pools/training/000000/a.csv"
    ours, theirs = (Pin(ListedObject("digits/a.csv", version, 7), key) for version in ("v1", "v2"))
    racing = Overtaken(tables._clients, state=tables.state, trail=tables.trail)
    racing.let_first(theirs)
    assert DynamoPools(racing).bind([ours]) == {key: Binding(theirs.listed)}
