"""Which services a request may change, told from the request alone: before it is answered they are committed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from ministack import app as emulator
from ministack.services import ecr

from localaws.corrections.wrapping import wrap
from localaws.journal import Journal
from localaws.keeping.queues import MESSAGES
from localaws.keeping.tables import ITEMS
from localaws.runtime import Runtime

_Handler = Callable[..., Awaitable[Any]]
_READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_READING = (
    "AssumeRole", "BatchGet", "Check", "Decode", "Decrypt", "Describe", "Detect", "Encrypt", "Estimate", "Filter",
    "GenerateDataKey", "Get", "Head", "List", "Lookup", "Query", "Scan", "Search", "Select", "Sign", "Simulate",
    "TransactGet", "Validate", "Verify",
)  # fmt: skip
_ITEM_OPERATIONS = frozenset({
    "PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems", "ExecuteStatement",
    "BatchExecuteStatement", "ExecuteTransaction",
})  # fmt: skip
_MESSAGE_OPERATIONS = frozenset({
    "SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch",
    "ChangeMessageVisibility", "ChangeMessageVisibilityBatch",
})  # fmt: skip
_LATER = frozenset({"cloudwatch", "cloudwatch_logs"})
"""Logs and metrics wait for the next round of `keep_saving`: nothing is decided by them alone."""
_BY_THEMSELVES = frozenset({"cloudwatch", "cloudwatch_logs", "dynamodb", "eventbridge", "lambda", "scheduler", "sqs"})
"""What changes between requests too: schedules fall due, streams are read, messages grow old."""
_SENDING = frozenset({"s3", "sns", "eventbridge"})
"""What puts messages into queues, in the course of a request."""
_used: set[str] = set()


def install(runtime: Runtime) -> None:
    """Touch what each request may have changed, once it has been carried out."""
    journal = runtime.journal
    for service, handler in emulator.SERVICE_HANDLERS.items():
        answering = _Answering(journal, _state_names(service), handler)
        emulator.SERVICE_HANDLERS[service] = answering.handle

    async def answer(original: _Handler, method: str, path: str, *rest: Any) -> Any:
        try:
            return await original(method, path, *rest)
        finally:
            if method not in _READING_METHODS and "/manifests/" in path:
                journal.touch("ecr")

    wrap(ecr, "handle_registry_request", answer)


def used() -> list[str]:
    """Return, and forget, which services may have changed in whatever way since this was last asked."""
    names = {*_used, *_BY_THEMSELVES}
    _used.clear()
    known = set(emulator._build_persistence_save_dict())
    return sorted(known if "cloudformation" in names else names & known)


def operation(headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]) -> str:
    """Return what a request of one of AWS's JSON or query protocols asks for; "" if it is of neither."""
    target = headers.get("x-amz-target", "").rpartition(".")[2]
    if target or "Action" in query:
        return target or query["Action"][0]
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return parse_qs(body.decode(errors="replace")).get("Action", [""])[0]
    return ""


@dataclass(frozen=True)
class _Answering:
    """A service's handler of requests, and under which names the emulator keeps what the service remembers."""

    journal: Journal
    names: frozenset[str]
    handler: _Handler

    async def handle(
        self, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
    ) -> Any:
        try:
            return await self.handler(method, path, headers, body, query)
        finally:
            _used.update(self.names)
            self.journal.touch(*_changed(self.names, method, path, operation(headers, body, query)))


def _changed(names: frozenset[str], method: str, path: str, asked: str) -> frozenset[str]:
    """Return what has to be committed before the answer."""
    reading = asked.startswith(_READING) if asked else method in _READING_METHODS
    if reading or names & _LATER or path.endswith("/invocations"):  # a function's own requests say what they change
        return frozenset()
    if "cloudformation" in names:
        return frozenset(emulator._build_persistence_save_dict())
    if asked in _ITEM_OPERATIONS and "dynamodb" in names:
        return frozenset({ITEMS})
    if asked in _MESSAGE_OPERATIONS and "sqs" in names:
        return frozenset({MESSAGES})
    if "s3" in names and "/" in path.strip("/"):  # an object, which is on disk; its event may be in a queue
        return frozenset({MESSAGES})
    return names | {MESSAGES} if names & _SENDING else names


def _state_names(service: str) -> frozenset[str]:
    settings = emulator.SERVICE_REGISTRY[service]
    return frozenset({settings.get("state_key", settings["module"]), *settings.get("sub_modules", ())})
