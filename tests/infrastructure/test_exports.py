"""What one stack imports of another: CloudFormation removes or changes no export as long as a stack imports it.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from app import ROOT
from tests.infrastructure.synthesis import Synthesis, synthesize

CONNECTION = "arn:aws:codeconnections:us-east-1:000000000000:connection/6f1a"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """The local stage with a connection that was there before, all its projects taken out."""
    folder = tmp_path_factory.mktemp("bare")
    before, projects, _ = (ROOT / "config" / "local.yaml").read_text("utf-8").partition("\nprojects:")
    assert projects
    config = folder / "local.yaml"
    config.write_text(f"{before}\nconnection: {CONNECTION}\n", encoding="utf-8")
    return synthesize(config, folder / "out")


def test_no_change_of_the_configuration_takes_away_or_changes_what_a_deployed_stack_imports(
    local: Synthesis, telling: Synthesis, bare: Synthesis
) -> None:
    for deployed, new in itertools.permutations((local, telling, bare), 2):
        imported, exported = _imports(deployed), _exports(deployed)
        assert imported
        assert {name: exported[name] for name in imported} == {name: _exports(new).get(name) for name in imported}


def test_alarms_know_queues_by_name_and_import_nothing_but_the_topic(telling: Synthesis) -> None:
    template = telling.templates["dropforge-local-observability"]
    [topic] = set(_named(template))
    assert topic.startswith("dropforge-local-foundation:ExportsOutputRefAlarms")


def test_a_connection_that_the_stage_made_is_looked_up_and_a_given_one_is_written_out(
    local: Synthesis, bare: Synthesis
) -> None:
    made = local.resource("AWS::SSM::Parameter", path="foundation/Connection/").properties["Name"]
    assert made == "/dropforge/local/connection"
    for stack in ("training", "project-digits", "project-cancer"):
        looked_up = {
            parameter["Default"]
            for parameter in local.templates[f"dropforge-local-{stack}"]["Parameters"].values()
            if parameter["Type"] == "AWS::SSM::Parameter::Value<String>"
        }
        assert made in looked_up
    assert not bare.resources("AWS::CodeConnections::Connection")
    assert made not in json.dumps(bare.templates)
    assert CONNECTION in json.dumps(bare.templates["dropforge-local-training"])


def test_stacks_are_deployed_after_those_whose_names_they_use(local: Synthesis) -> None:
    artifacts = json.loads((local.folder / "manifest.json").read_text("utf-8"))["artifacts"]
    foundation, training = "dropforge-local-foundation", "dropforge-local-training"
    assert foundation in artifacts[training]["dependencies"]
    for stack in ("observability", "project-digits", "project-cancer"):
        assert {foundation, training} <= set(artifacts[f"dropforge-local-{stack}"]["dependencies"])


def _imports(synthesis: Synthesis) -> set[str]:
    return {name for template in synthesis.templates.values() for name in _named(template)}


def _named(part: Any) -> Iterator[str]:
    """The name of every export that a part of a template imports."""
    match part:
        case {"Fn::ImportValue": str(name)}:
            yield name
        case Mapping():
            yield from itertools.chain.from_iterable(_named(member) for member in part.values())
        case list():
            yield from itertools.chain.from_iterable(_named(member) for member in part)


def _exports(synthesis: Synthesis) -> dict[str, Any]:
    return {
        output["Export"]["Name"]: output["Value"]
        for template in synthesis.templates.values()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }
