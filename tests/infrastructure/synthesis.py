"""Synthesized stages, read as plain data: what is known only at deployment is filled in.

What needs the CDK is in `constructs.py`, and imported where it is used: that takes seconds and starts Node.js, and all
workers of a session read these tests while one runs them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app import ROOT

ACCOUNT, REGION = "123456789012", "eu-central-1"
PSEUDO = {"AWS::AccountId": ACCOUNT, "AWS::Region": REGION, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"}
Properties = dict[str, Any]


@dataclass(frozen=True)
class Resource:
    """One resource of a template, its properties with every reference filled in."""

    stack: str
    logical_id: str
    type: str
    properties: Properties
    body: Mapping[str, Any]

    @property
    def path(self) -> str:
        return str(self.body["Metadata"]["aws:cdk:path"])


@dataclass(frozen=True)
class Synthesis:
    """The cloud assembly of a stage."""

    folder: Path
    templates: Mapping[str, Mapping[str, Any]]

    def resources(self, kind: str | None = None, *, path: str = "") -> list[Resource]:
        """Every resource of a type whose path in the app contains `path`."""
        return [one for one in self._all() if kind in {None, one.type} and path in one.path]

    def resource(self, kind: str, *, path: str = "") -> Resource:
        """The one resource of a type whose path contains `path`."""
        [found] = self.resources(kind, path=path)
        return found

    def statements(self, *, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
        """Each statement of each policy that a role has, with the path of the policy."""
        for policy in self.resources("AWS::IAM::ManagedPolicy", path=path):
            if "ManagedPolicyName" in policy.properties:
                continue  # made for people, who find it by its name
            for statement in policy.properties["PolicyDocument"]["Statement"]:
                yield policy.path, statement

    def for_people(self, name: str) -> list[dict[str, Any]]:
        """The statements of the one policy of that name that people may be given."""
        [found] = [
            policy.properties["PolicyDocument"]["Statement"]
            for policy in self.resources("AWS::IAM::ManagedPolicy")
            if policy.properties.get("ManagedPolicyName") == f"{name}-{REGION}"
        ]
        return list(found)

    def _all(self) -> Iterator[Resource]:
        for stack, template in self.templates.items():
            for logical_id, body in template["Resources"].items():
                if "aws:cdk:path" in body.get("Metadata", {}):
                    properties = filled(body.get("Properties", {}))
                    yield Resource(stack, logical_id, body["Type"], properties, body)


def synthesize(config: Path, folder: Path) -> Synthesis:
    """Compose and synthesize the stage of a configuration file."""
    from tests.infrastructure import constructs  # noqa: PLC0415

    constructs.composed(config, folder).synth()
    return read(folder)


def context(**more: object) -> dict[str, Any]:
    """What the CDK's command line hands to the app: the context of `cdk.json`, and that paths be written."""
    of_file = json.loads((ROOT / "cdk.json").read_text("utf-8"))["context"]
    return {**of_file, "aws:cdk:enable-path-metadata": True, **more}


def read(folder: Path) -> Synthesis:
    """A cloud assembly that was written before."""
    templates = {
        file.name.removesuffix(".template.json"): json.loads(file.read_text("utf-8"))
        for file in sorted(folder.glob("*.template.json"))
    }
    return Synthesis(folder, templates)


def filled(value: Any) -> Any:  # noqa: PLR0911  (one line for each intrinsic function)
    """The value with intrinsic functions replaced: pseudo parameters by samples, references by names between <>."""
    if isinstance(value, list):
        return [filled(item) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": name}:
            return PSEUDO.get(name, f"<{name}>")
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [separator, parts]}:
            return separator.join(filled(part) for part in parts)
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{(AWS::\w+)\}", lambda found: PSEUDO[found[1]], text)
        case {"Fn::ImportValue": name}:
            return f"<{filled(name)}>"
    return {key: filled(item) for key, item in value.items()}
