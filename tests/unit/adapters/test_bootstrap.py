from __future__ import annotations

import json
from dataclasses import fields
from decimal import Decimal
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.sinks.open_lineage import OpenLineageBackend
from dropforge.bootstrap import NotWired, NotWiredError, bundled_projects, wire
from dropforge.domain.project import Project
from dropforge.domain.sinks import GitHubStatusSink, OpenLineageSink, Sinks
from dropforge.settings import (
    FUNCTIONS,
    SINK_FUNCTIONS,
    DeliverStateSettings,
    DispatchRunsSettings,
    Prices,
    StoreSettings,
)
from dropforge.workflow.ports import Ports

DIGITS = Project("digits", "example/digits", "digits/")
OF_ALL = {"stage", "store", "registry", "pipelines", "logs", "clock"}
USED = {
    "data_dropped": {"wakeups", "bucket"},
    "seal_dataset": {"wakeups", "bucket"},
    "register_image": {"wakeups"},
    "dispatch_runs": {"jobs", "bucket"},
    "record_job_state": {"wakeups", "jobs", "bucket"},
    "record_build_state": set[str](),
    "announce": {"announcer"},
    "publish_state": {"states"},
    "deliver_state": {"sinks"},
    "sign_run": {"signer", "statements"},
    "give_public_key": {"signer"},
    "sweep": {"wakeups", "jobs", "bucket", "announcer"},
}
"""Of each function the ports that its use cases reach for, beyond those of all."""
ALL = {**FUNCTIONS, **SINK_FUNCTIONS}
BOTH_SINKS = Sinks(OpenLineageSink("https://lineage", "mlops"), GitHubStatusSink("https://api.github.com", "github"))


def some(kind: type[StoreSettings]) -> StoreSettings:
    hints = get_type_hints(kind)
    values: dict[Any, Any] = {int: 8, Prices: {"ml.m5.large": Decimal("0.115")}, Sinks: BOTH_SINKS}
    return kind(**{field.name: values.get(hints[field.name], f"the {field.name}") for field in fields(kind)})


@pytest.mark.parametrize("function", sorted(ALL))
def test_a_function_is_wired_to_the_ports_that_it_uses_and_to_no_others(function: str) -> None:
    ports = wire(some(ALL[function]), [DIGITS], AwsClients())
    wired = {field.name for field in fields(Ports) if not isinstance(getattr(ports, field.name), NotWired)}
    assert wired == OF_ALL | USED[function]


@pytest.mark.parametrize("function", sorted(ALL))
def test_wiring_makes_no_client(function: str) -> None:
    aws = AwsClients()
    wire(some(ALL[function]), [DIGITS], aws)
    assert set(vars(aws)) == {"_given_session"}


def test_a_port_that_is_not_wired_says_which_settings_it_needs() -> None:
    ports = wire(some(FUNCTIONS["announce"]), [DIGITS], AwsClients())
    with pytest.raises(NotWiredError, match="dispatch needs WakeupSettings"):
        ports.wakeups.dispatch()


def test_a_sink_that_is_off_is_told_nothing() -> None:
    settings = DeliverStateSettings(
        stage="dev",
        state_table="s",
        trail_table="t",
        sinks=Sinks(BOTH_SINKS.openlineage),
        source_queue_url="https://sqs/deliver",
    )
    [only] = wire(settings, [DIGITS], AwsClients()).sinks
    assert isinstance(only, OpenLineageBackend)


def test_the_stage_has_its_name_its_projects_its_limit_and_its_prices() -> None:
    stage = wire(some(DispatchRunsSettings), [DIGITS], AwsClients()).stage
    assert (stage.deployment, stage.projects, stage.concurrent_runs) == ("dropforge-the stage", (DIGITS,), 8)
    assert wire(some(FUNCTIONS["sweep"]), [DIGITS], AwsClients()).stage.price_of("ml.m5.large") == Decimal("0.115")


def test_projects_are_read_from_the_bundle(tmp_path: Path) -> None:
    (tmp_path / "projects.json").write_text(json.dumps([DIGITS.to_document()]), encoding="utf-8")
    assert bundled_projects(tmp_path) == (DIGITS,)
