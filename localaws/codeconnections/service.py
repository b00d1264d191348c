"""Connections to a git host: PENDING until a person completes the handshake.

On AWS that happens in the console ("Update a pending connection", connections-update.html of the Developer Tools
console user guide); here with `python -m localaws connection accept`, which calls `accepted`.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from typing import Any, cast

from localaws.runtime import Runtime
from localaws.service import Operation, Service, ServiceError

_PREFIXES = ("codeconnections", "codestar-connections")
_MAX_TAGS = 200


class CodeConnectionsService(Service):
    """The connections of this account. Both names of the service see the same ones."""

    name = "codeconnections"
    target_prefixes = ("com.amazonaws.codeconnections.CodeConnections_20231201", "CodeConnections_20231201")
    iam_namespace = "codeconnections"
    principal = "codeconnections.amazonaws.com"

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._lock = threading.RLock()
        self._connections: dict[str, dict[str, Any]] = {}  # id -> Connection, and its Tags

    def operations(self) -> Mapping[str, Operation]:
        """Return the operations of connections; hosts, repository links and sync have none here."""
        return {
            "CreateConnection": self._create,
            "GetConnection": self._get,
            "ListConnections": self._list,
            "DeleteConnection": self._delete,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._tags_of,
        }

    def resource_arn(self, operation: str, request: Mapping[str, Any]) -> str:
        """Return the connection's ARN; creating and listing have no resource."""
        del operation
        return str(request.get("ConnectionArn") or request.get("ResourceArn") or "*")

    def create(self, request: dict[str, Any], arn_service: str) -> dict[str, Any]:
        """Create a connection whose ARN carries the name of the service that was asked."""
        if "HostArn" in request:
            raise ServiceError(
                "ResourceNotFoundException", "The local AWS has no hosts: create the connection with a ProviderType."
            )
        if "ProviderType" not in request:
            raise ServiceError("ValidationException", "Either ProviderType or HostArn must be given.")
        identifier = str(uuid.uuid4())
        region, account = self.runtime.region, self.runtime.account
        with self._lock:
            if any(item["ConnectionName"] == request["ConnectionName"] for item in self._connections.values()):
                # AWS's names are unique in an account as well, and refused with this code.
                raise ServiceError(
                    "LimitExceededException", f"A connection named {request['ConnectionName']} exists already."
                )
            self._connections[identifier] = {
                "ConnectionName": request["ConnectionName"],
                "ConnectionArn": f"arn:aws:{arn_service}:{region}:{account}:connection/{identifier}",
                "ProviderType": request["ProviderType"],
                "OwnerAccountId": account,
                "ConnectionStatus": "PENDING",
                "Tags": {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])},
            }
            answer = {"ConnectionArn": self._connections[identifier]["ConnectionArn"]}
        return answer | ({"Tags": request["Tags"]} if "Tags" in request else {})

    def status(self, arn: str) -> str:
        """Return PENDING or AVAILABLE; raises ServiceError if there is no such connection."""
        with self._lock:
            return str(self._find(arn)["ConnectionStatus"])

    def provider(self, arn: str) -> str:
        """Return the kind of git host that a connection stands for, such as GitHub."""
        with self._lock:
            return str(self._find(arn)["ProviderType"])

    def accept(self, wanted: str) -> dict[str, Any]:
        """Complete the handshake of the connection with this ARN or name, and return it."""
        with self._lock:
            by_name = [item for item in self._connections.values() if item["ConnectionName"] == wanted]
            connection = by_name[0] if by_name else self._find(wanted)
            connection["ConnectionStatus"] = "AVAILABLE"
            return _shown(connection)

    def snapshot(self) -> dict[str, Any]:
        """Return every connection."""
        with self._lock:
            return {"connections": {key: dict(item) for key, item in self._connections.items()}}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over a snapshot; nothing is ever in flight."""
        with self._lock:
            self._connections = dict(state.get("connections", {}))

    def reset(self) -> None:
        """Forget every connection."""
        with self._lock:
            self._connections = {}

    def _find(self, arn: str) -> dict[str, Any]:
        """Return the connection that either form of its ARN names."""
        fields = arn.split(":", 5)
        found = self._connections.get(arn.rpartition("/")[2])
        ours = [self.runtime.region, self.runtime.account]
        if found is None or len(fields) != 6 or fields[2] not in _PREFIXES or fields[3:5] != ours:
            have = ", ".join(item["ConnectionName"] for item in self._connections.values()) or "none"
            raise ServiceError(
                "ResourceNotFoundException", f"There is no connection {arn} (there are: {have}): correct the ARN."
            )
        return found

    def _create(self, request: dict[str, Any]) -> dict[str, Any]:
        return self.create(request, "codeconnections")

    def _get(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            return {"Connection": _shown(self._find(request["ConnectionArn"]))}

    def _list(self, request: dict[str, Any]) -> dict[str, Any]:
        wanted = request.get("ProviderTypeFilter")
        with self._lock:
            kept = [_shown(item) for item in self._connections.values() if wanted in {None, item["ProviderType"]}]
        start = int(request.get("NextToken", "0")) if request.get("NextToken", "0").isdigit() else 0
        end = start + (request.get("MaxResults") or 100)
        return {"Connections": kept[start:end]} | ({"NextToken": str(end)} if end < len(kept) else {})

    def _delete(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            self._connections.pop(self._find(request["ConnectionArn"])["ConnectionArn"].rpartition("/")[2])
        return {}

    def _tag(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            tags = self._find(request["ResourceArn"])["Tags"]
            new = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
            if len(tags | new) > _MAX_TAGS:
                raise ServiceError("LimitExceededException", f"A connection takes {_MAX_TAGS} tags: remove some first.")
            tags.update(new)
        return {}

    def _untag(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            tags = self._find(request["ResourceArn"])["Tags"]
            for key in request["TagKeys"]:
                tags.pop(key, None)
        return {}

    def _tags_of(self, request: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            tags = self._find(request["ResourceArn"])["Tags"]
            return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


class CodeStarConnectionsService(Service):
    """The same connections under the service's former name, whose ARNs and IAM actions are still in use."""

    name = "codestar-connections"
    target_prefixes = ("com.amazonaws.codestar.connections.CodeStar_connections_20191201",)
    iam_namespace = "codestar-connections"
    principal = "codestar-connections.amazonaws.com"

    def operations(self) -> Mapping[str, Operation]:
        """Return the same operations; only the ARN of what is created differs."""
        connections = _connections(self.runtime)
        return {
            **connections.operations(),
            "CreateConnection": lambda request: connections.create(request, "codestar-connections"),
        }

    def resource_arn(self, operation: str, request: Mapping[str, Any]) -> str:
        """Return the connection's ARN; creating and listing have no resource."""
        return _connections(self.runtime).resource_arn(operation, request)

    def snapshot(self) -> dict[str, Any]:
        """Return nothing: the connections are kept under the service's new name."""
        return {}

    def keep(self) -> None:
        """Have the connections kept."""
        _connections(self.runtime).keep()

    def restore(self, state: dict[str, Any]) -> None:
        """Take over nothing."""

    def reset(self) -> None:
        """Forget nothing: the service of the new name does."""


def accepted(runtime: Runtime, body: dict[str, Any]) -> dict[str, Any]:
    """Complete a connection's handshake: `{"connection": ARN or name}`; returns the connection."""
    answer = _connections(runtime).accept(str(body["connection"]))
    _connections(runtime).keep()
    return answer


def _connections(runtime: Runtime) -> CodeConnectionsService:
    return cast("CodeConnectionsService", runtime.services["codeconnections"])


def _shown(connection: Mapping[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in connection.items() if member != "Tags"}
