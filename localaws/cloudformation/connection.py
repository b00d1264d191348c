"""AWS::CodeConnections::Connection and AWS::CodeStarConnections::Connection.

A connection that CloudFormation creates is PENDING, as one that the API creates
(aws-resource-codeconnections-connection.html of the template reference).
"""

from __future__ import annotations

from typing import Any

from localaws.cloudformation.handler import Created, Properties, changed_tags
from localaws.cloudformation.properties import to_request
from localaws.runtime import Neighbour, Runtime
from localaws.service import ServiceError
from localaws.shapes import service_model


class ConnectionHandler:
    """Connections through one of the service's two names."""

    def __init__(self, service: str) -> None:
        self._service = service

    def create(self, runtime: Runtime, logical_id: str, properties: Properties, stack_name: str) -> Created:
        """Create a connection; Ref is its ARN."""
        del logical_id, stack_name
        shape = service_model(self._service).operation_model("CreateConnection").input_shape
        arn = self._api(runtime).dispatch("CreateConnection", to_request(properties, shape))["ConnectionArn"]
        return arn, self._attributes(runtime, arn)

    def update(self, runtime: Runtime, physical_id: str, old: Properties, new: Properties, stack_name: str) -> Created:
        """Change the tags; everything else is fixed, so a change of it makes another connection."""
        if any(old.get(name) != new.get(name) for name in {*old, *new} - {"Tags"}):
            created = self.create(runtime, "", new, stack_name)
            self.delete(runtime, physical_id, old)
            return created
        tags, gone = changed_tags(old, new)
        api = self._api(runtime)
        if tags:
            listed = [{"Key": key, "Value": value} for key, value in tags.items()]
            api.dispatch("TagResource", {"ResourceArn": physical_id, "Tags": listed})
        if gone:
            api.dispatch("UntagResource", {"ResourceArn": physical_id, "TagKeys": gone})
        return physical_id, self._attributes(runtime, physical_id)

    def delete(self, runtime: Runtime, physical_id: str, properties: Properties) -> None:
        """Delete the connection."""
        del properties
        try:
            self._api(runtime).dispatch("DeleteConnection", {"ConnectionArn": physical_id})
        except ServiceError as error:
            if error.code != "ResourceNotFoundException":
                raise

    def _api(self, runtime: Runtime) -> Neighbour:
        return runtime.services[self._service]

    def _attributes(self, runtime: Runtime, arn: str) -> dict[str, Any]:
        connection = self._api(runtime).dispatch("GetConnection", {"ConnectionArn": arn})["Connection"]
        return {name: connection[name] for name in ("ConnectionArn", "ConnectionStatus", "OwnerAccountId")}
