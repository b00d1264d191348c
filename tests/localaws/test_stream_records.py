"""A table's stream is read on after stop and start, from where it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.localaws.local_server import LocalServer, eventually, run_command, start

pytestmark = pytest.mark.local


def records(server: LocalServer, shard: str, stream: str, **place: str) -> list[str]:
    """The keys of the records that are read from a place in the stream."""
    streams = server.client("dynamodbstreams")
    iterator = streams.get_shard_iterator(StreamArn=stream, ShardId=shard, **place)["ShardIterator"]
    return [each["dynamodb"]["Keys"]["k"]["S"] for each in streams.get_records(ShardIterator=iterator)["Records"]]


def test_what_was_in_a_stream_before_stop_and_start_is_there_before_what_comes_after(tmp_path: Path) -> None:
    server = start(tmp_path)
    try:
        made = server.client("dynamodb").create_table(
            TableName="kept", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
        )  # fmt: skip
        stream = made["TableDescription"]["LatestStreamArn"]
        for key in ("one", "two"):
            server.client("dynamodb").put_item(TableName="kept", Item={"k": {"S": key}})
        run_command("down", "--home", str(tmp_path))
        server = start(tmp_path)
        server.client("dynamodb").put_item(TableName="kept", Item={"k": {"S": "three"}})
        [shard] = server.client("dynamodbstreams").describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]

        found = eventually(
            lambda: records(server, shard["ShardId"], stream, ShardIteratorType="TRIM_HORIZON"), "the stream's records"
        )
        assert found == ["one", "two", "three"]
    finally:
        run_command("down", "--home", str(tmp_path))
