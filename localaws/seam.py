"""The only place that knows the emulator's insides; `corrections/` mends what it gets wrong.

ministack has no plug-in interface. Entering our services into its tables, rather than putting a proxy in front, makes
IAM enforcement, persistence, reset and CloudFormation hold for them too. Its version is pinned exactly, and `verify`
names, at start, each of the things used here that a new version no longer has.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from ministack import app as emulator
from ministack.core import iam_actions, iam_evaluator, persistence, responses, router
from ministack.services import eventbridge
from ministack.services.cloudformation import provisioners

from localaws.journal import Journal
from localaws.requester import requester
from localaws.runtime import Runtime
from localaws.service import Service, ServiceError
from localaws.stored import freeze, thaw

_USED: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (emulator, ("app", "SERVICE_REGISTRY", "SERVICE_HANDLERS", "_loaded_modules", "_state_map", "_MAIN_LOOP",
                "_reset_all_state", "_build_persistence_save_dict")),
    (persistence, ("_json_default", "_json_object_hook")),
    (router, ("SERVICE_PATTERNS", "extract_access_key_id")),
    (iam_actions, ("SERVICE_TO_IAM_NAMESPACE", "extract_resource_arn", "access_denied_response")),
    (iam_evaluator, ("enforce", "AuthError", "caller_arn")),
    (responses, ("json_response", "error_response_json", "get_account_id", "get_region")),
    (eventbridge, ("_put_events",)),
    (provisioners, ("_RESOURCE_HANDLERS",)),
)  # fmt: skip

Response = tuple[int, dict[str, str], bytes]
_PASS_ROLE = "iam:PassRole"  # noqa: S105  (an action)


class SeamError(Exception):
    """The emulator is not the one that this module was written for."""


def verify() -> None:
    """Raise SeamError naming everything that this module uses of the emulator and that is not there."""
    missing = [f"{module.__name__}.{name}" for module, names in _USED for name in names if not hasattr(module, name)]
    if missing:
        raise SeamError(
            f"This ministack has no {', '.join(missing)}: install the version in requirements/localaws.txt, "
            "or adapt localaws/seam.py to the new one."
        )


def register(service: Service) -> None:
    """Make the emulator route, authorise, persist and reset one of our services as its own."""
    adapter = _Adapter(service)
    emulator._loaded_modules[service.name] = adapter
    emulator.SERVICE_REGISTRY[service.name] = {"module": service.name}
    emulator.SERVICE_HANDLERS[service.name] = adapter.handle_request
    emulator._state_map[service.name] = service.name
    router.SERVICE_PATTERNS[service.name] = {
        "target_prefixes": [f"{prefix}." for prefix in service.target_prefixes],
        "host_patterns": [rf"^{service.name}\."],
        "credential_scope": service.name,
    }
    iam_actions.SERVICE_TO_IAM_NAMESPACE[service.name] = service.iam_namespace
    iam_actions.extract_resource_arn = functools.partial(_resource_arn, service, iam_actions.extract_resource_arn)


def register_resource(runtime: Runtime, resource_type: str, handler: Any) -> None:
    """Make CloudFormation create, update and delete a resource type through a handler of ours."""
    provisioners._RESOURCE_HANDLERS[resource_type] = {
        "create": functools.partial(handler.create, runtime),
        "update": functools.partial(handler.update, runtime),
        "delete": functools.partial(handler.delete, runtime),
    }


def application() -> Any:
    """Return the emulator as an ASGI application."""
    return emulator.app


def reset(journal: Journal) -> None:
    """Forget everything, in memory and on disk."""
    emulator._reset_all_state()
    journal.clear()


class EmulatorBus:
    """The emulator's default event bus; see `bus.Bus`. PutEvents refuses `aws.*` sources, this does not."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def publish(self, source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str]) -> None:
        """Match the event against the rules on the emulator's own loop, where its tables are changed too."""
        entry = {
            "Source": source,
            "DetailType": detail_type,
            "Detail": json.dumps(detail),
            "Resources": list(resources),
        }
        loop = emulator._MAIN_LOOP
        if loop is None:  # while state is being restored nothing is served yet, and this is the only thread
            self._put_now(entry)
        else:
            asyncio.run_coroutine_threadsafe(self._put(entry), loop).result(timeout=30)

    async def _put(self, entry: dict[str, Any]) -> None:
        self._put_now(entry)

    def _put_now(self, entry: dict[str, Any]) -> None:
        """Commit the event's deliveries with what it tells of: neither is on disk without the other."""
        eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
        self._journal.commit()


@dataclasses.dataclass(frozen=True)
class _Adapter:
    """One of our services as the emulator expects a service module to look."""

    service: Service

    async def handle_request(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Response:
        """Answer one AWS JSON 1.1 request; IAM has allowed the action already, PassRole has not been looked at."""
        del method, path
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            return _error(ServiceError("SerializationException", "The request body is not JSON."))
        if responses.get_region() != self.service.runtime.region:
            return _error(ServiceError("UnrecognizedClientException", _other_region(self.service)))
        for action, resource in _further_permissions(self.service, operation, request):
            refusal = _refusal(self.service, action, resource, headers, query)
            if refusal is not None:
                return refusal
        requester.set(iam_evaluator.caller_arn())
        try:
            answer = await asyncio.to_thread(self.service.dispatch, operation, request)
        except ServiceError as error:
            return _error(error)
        response: Response = responses.json_response(answer)
        return response

    def get_state(self) -> dict[str, Any]:
        """Return everything; the service notes by itself what is to be written."""
        stored: dict[str, Any] = freeze(self.service.snapshot())
        return stored

    def load_persisted_state(self, state: dict[str, Any]) -> None:
        """Take over what was persisted."""
        self.service.restore(thaw(state))

    def reset(self) -> None:
        """Forget everything."""
        self.service.reset()


def _error(error: ServiceError) -> Response:
    response: Response = responses.error_response_json(error.code, error.message, error.status)
    return response


def _other_region(service: Service) -> str:
    region = service.runtime.region
    return f"This local AWS has {service.name} in {region} alone: set AWS_REGION={region}, or start one with --region."


def _further_permissions(service: Service, operation: str, request: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what the caller needs besides the operation's own permission, PassRole first.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_use_passrole.html
    """
    try:
        roles = [(_PASS_ROLE, role) for role in service.passed_roles(operation, request)]
        return [*roles, *service.further_permissions(operation, request)]
    except (KeyError, TypeError, AttributeError):
        return []  # malformed: validation will refuse it


def _refusal(
    service: Service, action: str, resource: str, headers: dict[str, str], query: dict[str, list[str]]
) -> Response | None:
    """Return what a caller that lacks a permission is answered, or None if it has it."""
    context = {"iam:PassedToService": service.principal} if action == _PASS_ROLE else {}
    denied = iam_evaluator.enforce(
        router.extract_access_key_id(headers, query), action, action.partition(":")[0], responses.get_region(),
        resource_arn=resource, service_context=context,
    )  # fmt: skip
    if denied is None:
        return None
    if isinstance(denied, iam_evaluator.AuthError):
        return _error(ServiceError(denied.code, denied.message, 403))
    response: Response = iam_actions.access_denied_response(
        service.name, action, denied.principal_arn, str(uuid.uuid4()), headers=headers,
        resource_arn=resource, explicit_deny=denied.decision == "Deny",
    )  # fmt: skip
    return response


def _resource_arn(ours: Service, otherwise: Any, service: str, *request_parts: Any) -> str:
    """Extend the emulator's answer to "which resource is this request about?" by one of our services."""
    if service != ours.name:
        arn: str = otherwise(service, *request_parts)
        return arn
    _method, _path, headers, body, *_rest = request_parts
    try:
        request = json.loads(body or b"{}")
        return ours.resource_arn(headers.get("x-amz-target", "").rpartition(".")[2], request)
    except (ValueError, KeyError, TypeError, AttributeError):
        return "*"  # malformed: validation will refuse it; until then only a policy for every resource matches
