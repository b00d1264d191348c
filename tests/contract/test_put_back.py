"""What docs/operations.md says of restoring: the restored table is compared, and what is gone is put back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.dynamodb.store import DynamoMetadataStore
from dropforge.domain.trail import verify
from tests.contract.empty_tables import empty_tables
from tests.contract.records import a_request

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.local


def put_back(source: str, target: str, *options: str) -> tuple[int, list[str]]:
    """Exit code and lines, in the environment that leads to the local AWS."""
    command = [sys.executable, "-m", "scripts.put_back", source, target, *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_what_is_gone_is_named_and_put_back_and_what_differs_is_left_as_it_is(local_aws: AwsClients) -> None:
    dynamodb, name = local_aws.dynamodb, f"contract-{uuid4().hex[:12]}"
    store = DynamoMetadataStore(empty_tables(local_aws, name))
    run = store.commit(None, a_request())
    empty_tables(local_aws, f"{name}-present")
    restored, present = f"{name}-state", f"{name}-present-state"
    changed = {"pk": {"S": f"RUN#{run.id}"}, "sk": {"S": "RUN"}, "document": {"S": "changed"}}
    dynamodb.put_item(TableName=present, Item=changed)
    items = dynamodb.scan(TableName=restored)["Items"]

    code, told = put_back(restored, present)
    assert code == 1
    assert f"differs\tRUN#{run.id}\tRUN" in told
    assert len([line for line in told if line.startswith("gone\t")]) == len(items) - 1

    code, told = put_back(restored, present, "--begins", "RUNS#", "--put")
    assert (code, told) == (0, [f"put back\tRUNS#{run.id[:4]}\t{run.id}"])

    code, told = put_back(restored, present, "--put")
    assert code == 1  # since one still differs
    assert put_back(restored, present) == (1, [f"differs\tRUN#{run.id}\tRUN"])
    assert changed in dynamodb.scan(TableName=present)["Items"]


def test_a_run_whose_items_were_deleted_is_whole_again_once_they_are_put_back(local_aws: AwsClients) -> None:
    name = f"contract-{uuid4().hex[:12]}"
    run = DynamoMetadataStore(empty_tables(local_aws, name)).commit(None, a_request())
    store = DynamoMetadataStore(empty_tables(local_aws, f"{name}-present"))
    for kind in ("state", "trail"):
        assert put_back(f"{name}-{kind}", f"{name}-present-{kind}", "--put")[0] == 0
        assert put_back(f"{name}-{kind}", f"{name}-present-{kind}") == (0, [])
    assert store.run(run.id) == run
    verify(store.trail(run.id), run.trail)
