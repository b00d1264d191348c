"""AWS::CodePipeline::Pipeline (aws-resource-codepipeline-pipeline.html of the template reference)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localaws.cloudformation.handler import Created, Properties, changed_tags, generated_name
from localaws.cloudformation.properties import to_request
from localaws.runtime import Neighbour, Runtime
from localaws.service import ServiceError
from localaws.shapes import service_model

# Properties that are no part of the declaration: other operations take them.
_BESIDE_THE_DECLARATION = frozenset({"Tags", "RestartExecutionOnUpdate", "DisableInboundStageTransitions"})


class PipelineHandler:
    """Pipelines; Ref is the name, GetAtt Version the version."""

    def create(self, runtime: Runtime, logical_id: str, properties: Properties, stack_name: str) -> Created:
        """Create a pipeline; as always, it starts at once."""
        named = {"Name": generated_name(stack_name, logical_id, 100), **properties}
        tags = [{"key": tag["Key"], "value": tag["Value"]} for tag in properties.get("Tags") or []]
        request: dict[str, Any] = {"pipeline": _declaration(named)} | ({"tags": tags} if tags else {})
        self._api(runtime).dispatch("CreatePipeline", request)
        self._disable_transitions(runtime, named["Name"], {}, properties)
        return named["Name"], {"Version": "1"}

    def update(self, runtime: Runtime, physical_id: str, old: Properties, new: Properties, stack_name: str) -> Created:
        """Change a pipeline in place; under another name it is another pipeline."""
        if new.get("Name", physical_id) != physical_id:
            created = self.create(runtime, "", new, stack_name)
            self.delete(runtime, physical_id, old)
            return created
        api = self._api(runtime)
        if _declaration(old) != _declaration(new):
            api.dispatch("UpdatePipeline", {"pipeline": _declaration({**new, "Name": physical_id})})
        self._disable_transitions(runtime, physical_id, old, new)
        shown = api.dispatch("GetPipeline", {"name": physical_id})
        _tag(api, shown["metadata"]["pipelineArn"], old, new)
        if str(new.get("RestartExecutionOnUpdate", False)).lower() == "true":
            api.dispatch("StartPipelineExecution", {"name": physical_id})
        return physical_id, {"Version": str(shown["pipeline"]["version"])}

    def delete(self, runtime: Runtime, physical_id: str, properties: Properties) -> None:
        """Delete the pipeline; what runs is abandoned."""
        del properties
        self._api(runtime).dispatch("DeletePipeline", {"name": physical_id})

    def _api(self, runtime: Runtime) -> Neighbour:
        return runtime.services["codepipeline"]

    def _disable_transitions(self, runtime: Runtime, name: str, old: Properties, new: Properties) -> None:
        before, after = (
            {item["StageName"]: item["Reason"] for item in properties.get("DisableInboundStageTransitions") or []}
            for properties in (old, new)
        )
        for stage, reason in after.items():
            self._transition(runtime, "DisableStageTransition", name, stage, {"reason": reason})
        for stage in before.keys() - after.keys():
            self._transition(runtime, "EnableStageTransition", name, stage, {})

    def _transition(self, runtime: Runtime, operation: str, name: str, stage: str, more: Mapping[str, str]) -> None:
        request = {"pipelineName": name, "stageName": stage, "transitionType": "Inbound", **more}
        self._api(runtime).dispatch(operation, request)


def _declaration(properties: Properties) -> dict[str, Any]:
    kept = {name: value for name, value in properties.items() if name not in _BESIDE_THE_DECLARATION}
    declaration = to_request(kept, service_model("codepipeline").shape_for("PipelineDeclaration"))
    if "artifactStores" in declaration:
        raise ServiceError("ValidationError", "The local AWS has one region: give ArtifactStore, not ArtifactStores.")
    return declaration


def _tag(api: Neighbour, arn: str, old: Properties, new: Properties) -> None:
    tags, gone = changed_tags(old, new)
    if tags:
        listed = [{"key": key, "value": value} for key, value in tags.items()]
        api.dispatch("TagResource", {"resourceArn": arn, "tags": listed})
    if gone:
        api.dispatch("UntagResource", {"resourceArn": arn, "tagKeys": gone})
