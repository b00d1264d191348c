"""What the services that the emulator lacks have in common: AWS's JSON 1.1 protocol, checked against AWS's models."""

from __future__ import annotations

import datetime as dt
import functools
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from localaws.journal import Row
from localaws.runtime import Runtime
from localaws.shapes import service_model, violations
from localaws.stored import freeze

_READING = ("BatchGet", "Describe", "Get", "List")
Operation = Callable[[dict[str, Any]], dict[str, Any]]


class ServiceError(Exception):
    """A refusal that reaches the caller as AWS sends it: an error code, a message, an HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


class Service:
    """One AWS service. A subclass names itself and maps operations to functions; it never sees HTTP.

    Operations take and return what botocore's model says, as plain JSON values, except that responses may hold
    datetimes. They run on threads, several at once: a service guards its own state.
    """

    name: ClassVar[str]
    """The service's name in botocore, such as "codebuild"."""
    target_prefixes: ClassVar[tuple[str, ...]]
    """What precedes the operation in the X-Amz-Target header, such as "CodeBuild_20161006"."""
    iam_namespace: ClassVar[str]
    """What precedes the action in IAM policies."""
    principal: ClassVar[str]
    """The service principal that roles trust, such as "codebuild.amazonaws.com"."""
    validation_code: ClassVar[str] = "ValidationException"
    """The code with which the service refuses a malformed request; CodeBuild says InvalidInputException."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._keeping = threading.Lock()

    def operations(self) -> Mapping[str, Operation]:
        """Return the operations that this service has, by name."""
        raise NotImplementedError

    def resource_arn(self, operation: str, request: Mapping[str, Any]) -> str:
        """Return the ARN that IAM is asked about; "*" only where AWS defines no resource type."""
        raise NotImplementedError

    def passed_roles(self, operation: str, request: Mapping[str, Any]) -> Sequence[str]:  # noqa: ARG002
        """Return the ARNs of roles that the request hands to this service: the caller needs iam:PassRole on each."""
        return ()

    def further_permissions(self, operation: str, request: Mapping[str, Any]) -> Sequence[tuple[str, str]]:  # noqa: ARG002
        """Return (action, resource ARN) of what the caller needs besides the operation's own permission."""
        return ()

    def snapshot(self) -> dict[str, Any]:
        """Return all state as JSON values and datetimes, in a few named parts; the service keeps running meanwhile."""
        raise NotImplementedError

    def rows(self) -> Sequence[Row]:
        """Return the snapshot as rows of the journal, one a part; for a service that has many things, one a thing."""
        parts = {name: json.dumps(part) for name, part in freeze(self.snapshot()).items()}
        return [Row(name, hash(content), functools.partial(str, content)) for name, content in parts.items()]

    def keep(self) -> None:
        """Note what changed: after each change, and without a lock of the service's held; the next commit writes it."""
        with self._keeping:
            self.runtime.journal.note(self.name, self.rows())

    def restore(self, state: dict[str, Any]) -> None:
        """Take over a snapshot; what was in flight is resumed, or failed with the reason."""
        raise NotImplementedError

    def reset(self) -> None:
        """Forget everything and end what is running."""
        raise NotImplementedError

    def stop(self) -> None:
        """End what is running, because the server stops; called once, before the last `keep`."""

    def dispatch(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Validate a request, perform it, and return the response as JSON values.

        Raises ServiceError. Used by the HTTP front and by anything in this process that calls the service, such as
        a CloudFormation handler.
        """
        perform = self.operations().get(operation)
        model = service_model(self.name)
        if operation not in model.operation_names:
            raise ServiceError("UnknownOperationException", f"{self.name} has no operation {operation}.")
        if perform is None:
            raise ServiceError(
                "UnknownOperationException",
                f"The local AWS does not offer {self.name} {operation}; it has {', '.join(sorted(self.operations()))}.",
            )
        found = violations(request, model.operation_model(operation).input_shape)
        if found:
            count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected"
            raise ServiceError(self.validation_code, f"{count}: {'; '.join(found)}")
        response: dict[str, Any] = to_wire(perform(without_nulls(request)))
        if not operation.startswith(_READING):
            self.keep()
        return response


def to_wire(value: Any) -> Any:
    """Return a response with datetimes as epoch seconds and without members that are None."""
    if isinstance(value, dt.datetime):
        return value.timestamp()
    if isinstance(value, Mapping):
        return {key: to_wire(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [to_wire(item) for item in value]
    return value


def without_nulls(value: Any) -> Any:
    """Return a request without members that are null: to AWS, null is absent."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value
