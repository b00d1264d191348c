"""AWS::CodeBuild::Project (aws-resource-codebuild-project.html of the template reference)."""

from __future__ import annotations

from typing import Any

from localaws.cloudformation.handler import Created, Properties, generated_name
from localaws.cloudformation.properties import to_request
from localaws.runtime import Runtime
from localaws.service import ServiceError
from localaws.shapes import service_model


class ProjectHandler:
    """Build projects; Ref is the name, GetAtt Arn the ARN."""

    def create(self, runtime: Runtime, logical_id: str, properties: Properties, stack_name: str) -> Created:
        """Create a project."""
        named = {"Name": generated_name(stack_name, logical_id, 150), **properties}
        shown = runtime.services["codebuild"].dispatch("CreateProject", _request(named))["project"]
        return shown["name"], {"Arn": shown["arn"]}

    def update(self, runtime: Runtime, physical_id: str, old: Properties, new: Properties, stack_name: str) -> Created:
        """Change a project in place; under another name it is another project."""
        if new.get("Name", physical_id) != physical_id:
            created = self.create(runtime, "", new, stack_name)
            self.delete(runtime, physical_id, old)
            return created
        request = _request({**new, "Name": physical_id})
        shown = runtime.services["codebuild"].dispatch("UpdateProject", request)["project"]
        return physical_id, {"Arn": shown["arn"]}

    def delete(self, runtime: Runtime, physical_id: str, properties: Properties) -> None:
        """Delete the project; builds under way go on, as on AWS."""
        del properties
        runtime.services["codebuild"].dispatch("DeleteProject", {"name": physical_id})


def _request(properties: Properties) -> dict[str, Any]:
    if properties.get("Triggers") or properties.get("Visibility") == "PUBLIC_READ":
        raise ServiceError(
            "ValidationError", "The local AWS starts builds from pipelines or StartBuild: remove Triggers."
        )
    kept = {name: value for name, value in properties.items() if name not in {"Triggers", "Visibility"}}
    return to_request(kept, service_model("codebuild").shape_for("CreateProjectInput"))
