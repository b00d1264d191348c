from __future__ import annotations

from decimal import Decimal

import pytest

from dropforge.domain.sinks import OpenLineageSink, Sinks
from dropforge.settings import (
    FUNCTIONS,
    DeliverStateSettings,
    Deployment,
    DispatchRunsSettings,
    SettingsError,
    StoreSettings,
    SweepSettings,
    from_environment,
    to_environment,
)

SWEEP = SweepSettings(
    stage="dev",
    state_table="state",
    trail_table="trail",
    dispatch_queue_url="https://queue/dispatch.fifo",
    seal_queue_url="https://queue/seal",
    sign_queue_url="https://queue/sign",
    training_bucket="training",
    artifact_bucket="artifacts",
    key_arn="arn:aws:kms:eu-west-1:111122223333:key/1",
    training_role_arn="arn:aws:iam::111122223333:role/training",
    connection_arn="arn:aws:codeconnections:eu-west-1:111122223333:connection/1",
    topic_arn="arn:aws:sns:eu-west-1:111122223333:outcomes",
    prices={"ml.m5.large": Decimal("0.115")},
)
DISPATCH = DispatchRunsSettings(
    stage="dev",
    state_table="state",
    trail_table="trail",
    training_bucket="training",
    artifact_bucket="artifacts",
    key_arn="arn:aws:kms:eu-west-1:111122223333:key/1",
    training_role_arn="arn:aws:iam::111122223333:role/training",
    source_queue_url="https://sqs/dispatch.fifo",
    concurrent_runs=8,
)

DELIVER = DeliverStateSettings(
    stage="dev",
    state_table="state",
    trail_table="trail",
    sinks=Sinks(OpenLineageSink("https://lineage.example.com", "mlops")),
    source_queue_url="https://sqs/deliver",
)


@pytest.mark.parametrize("settings", [SWEEP, DISPATCH, DELIVER])
def test_what_the_stacks_write_is_what_the_function_reads(settings: StoreSettings) -> None:
    environment = to_environment(settings)
    assert environment["DROPFORGE_STATE_TABLE"] == "state"
    assert from_environment(type(settings), environment) == settings


def test_every_missing_variable_is_named_at_once() -> None:
    environment = to_environment(DISPATCH)
    del environment["DROPFORGE_STAGE"]
    environment["DROPFORGE_KEY_ARN"] = ""
    environment["DROPFORGE_CONCURRENT_RUNS"] = "many"
    with pytest.raises(SettingsError) as raised:
        from_environment(DispatchRunsSettings, environment)
    message = str(raised.value)
    assert "DROPFORGE_STAGE is not set" in message
    assert "DROPFORGE_KEY_ARN is not set" in message
    assert "DROPFORGE_CONCURRENT_RUNS cannot be read" in message


def test_sinks_that_are_written_in_another_way_are_named() -> None:
    environment = {**to_environment(DELIVER), "DROPFORGE_SINKS": '{"openlineage": {"url": "https://lineage"}}'}
    with pytest.raises(SettingsError, match=r"DROPFORGE_SINKS cannot be read \(openlineage.namespace is missing"):
        from_environment(DeliverStateSettings, environment)


def test_no_function_shares_its_settings_class_with_another() -> None:
    assert len(set(FUNCTIONS.values())) == len(FUNCTIONS)


def test_a_deployment_document_survives_members_of_a_newer_release_and_names_missing_ones() -> None:
    deployment = Deployment(**{field: f"the {field}" for field in Deployment.__dataclass_fields__})
    document = deployment.to_document()
    assert Deployment.from_document({**document, "later": "member"}) == deployment
    del document["connection_arn"]
    with pytest.raises(SettingsError, match="lacks connection_arn"):
        Deployment.from_document(document)
