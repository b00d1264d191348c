"""The policies that people are given: what each lets them do, and that it lets them do no more."""

from __future__ import annotations

from typing import Any

from tests.infrastructure.synthesis import ACCOUNT, REGION, Synthesis

TRAINING_BUCKET = f"arn:aws:s3:::dropforge-local-training-{ACCOUNT}-{REGION}"
CHANGES = (
    "Abort", "BatchWrite", "Create", "Delete", "Invoke", "Put", "Retry", "Send", "Start", "Stop", "Update",
)  # fmt: skip


def test_who_drops_data_writes_below_the_projects_prefix_and_reaches_the_key_through_s3_alone(
    local: Synthesis,
) -> None:
    statements = local.for_people("dropforge-local-drop-digits")
    on_objects = _granting(statements, "s3:PutObject")
    assert on_objects["Resource"] == f"{TRAINING_BUCKET}/digits/*"
    assert _granting(statements, "s3:ListBucket")["Condition"] == {"StringLike": {"s3:prefix": "digits/*"}}
    on_key = _granting(statements, "kms:GenerateDataKey")
    assert set(on_key["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert on_key["Condition"] == {"StringEquals": {"kms:ViaService": [f"s3.{REGION}.amazonaws.com"]}}
    assert not _actions(statements) & {"s3:GetObject", "s3:GetObjectVersion", "s3:DeleteObjectVersion"}


def test_who_may_read_may_change_nothing(local: Synthesis) -> None:
    granted = _actions(local.for_people("dropforge-local-read"))
    assert not [action for action in granted if action.split(":")[1].startswith(CHANGES)]
    assert {action for action in granted if action.startswith("kms:")} == {"kms:Decrypt"}


def test_who_audits_may_change_nothing_and_reads_signed_heads_and_the_public_key(local: Synthesis) -> None:
    statements = local.for_people("dropforge-local-audit")
    assert not [action for action in _actions(statements) if action.split(":")[1].startswith(CHANGES)]
    assert _granting(statements, "s3:GetObjectVersion")["Resource"].endswith("/heads/*")
    assert {action for action in _actions(statements) if action.startswith("kms:")} == {"kms:GetPublicKey"}


def test_who_may_read_sees_what_a_dataset_holds_and_none_of_its_data(local: Synthesis) -> None:
    artifacts = f"arn:aws:s3:::dropforge-local-artifacts-{ACCOUNT}-{REGION}"
    for name in ("read", "operate"):
        statements = local.for_people(f"dropforge-local-{name}")
        objects = [one["Resource"] for one in statements if "s3:GetObject" in _list(one["Action"])]
        assert objects == [f"{artifacts}/manifests/*", f"{artifacts}/runs/*"]


def test_nobody_deletes_what_is_on_record(local: Synthesis) -> None:
    assert "dynamodb:DeleteItem" not in _actions(local.for_people("dropforge-local-operate"))


def test_who_may_operate_may_read_and_adds_to_the_trail_without_changing_it(local: Synthesis) -> None:
    read, operate = local.for_people("dropforge-local-read"), local.for_people("dropforge-local-operate")
    assert _actions(read) < _actions(operate)
    on_trail = {
        action
        for statement in operate
        if any("table/dropforge-local-trail" in resource for resource in _list(statement["Resource"]))
        for action in _list(statement["Action"])
    }
    assert on_trail == {"dynamodb:PutItem", "dynamodb:Query"}
    assert not _actions(operate) & {"iam:PassRole", "sagemaker:CreateTrainingJob", "s3:PutObject"}


def test_nobodys_policy_is_a_wildcard_of_actions_or_reaches_everything(local: Synthesis) -> None:
    for name in ("read", "operate", "audit", "drop-digits", "drop-cancer"):
        for statement in local.for_people(f"dropforge-local-{name}"):
            assert "*" not in "".join(_list(statement["Action"]))
            assert "*" not in _list(statement["Resource"])


def _granting(statements: list[dict[str, Any]], action: str) -> dict[str, Any]:
    [found] = [one for one in statements if action in _list(one["Action"])]
    return found


def _actions(statements: list[dict[str, Any]]) -> set[str]:
    return {action for statement in statements for action in _list(statement["Action"])}


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
