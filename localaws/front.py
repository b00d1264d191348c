"""What stands between the socket and the emulator: who may speak to this server, and how.

An ASGI application, like the one that it wraps (https://asgi.readthedocs.io/en/latest/specs/www.html).
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from localaws.journal import Journal, JournalError
from localaws.runtime import Runtime
from localaws.signature import is_registry, is_signed, refusal

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Hook = Callable[[Runtime, dict[str, Any]], dict[str, Any]]

log = logging.getLogger("localaws")
_HEALTH = "/_ministack/health"
_RESOURCE_ANSWERS = "/_ministack/cfn-response/"


class Front:
    """Wraps the emulator's application.

    - Requests from a browser are refused: pages from anywhere can reach 127.0.0.1, and this server runs programs.
    - What is not signed is refused, but for the emulator's health and ECR's registry, which has a token of its own.
      So are WebSockets, which no service here needs.
    - Loopback counts as secure transport, so that `aws:SecureTransport` conditions hold as they do under TLS.
    - What a request changed is on disk before its answer leaves; where there is no room for it, the answer is an error.
    - `POST /_localaws/<hook>` calls a hook; it needs the token that is kept in Home, and a JSON object as body.
      Whatever else the emulator has below `/_ministack/` needs that token too.
    """

    def __init__(self, emulator: Application, runtime: Runtime, hooks: Mapping[str, Hook]) -> None:
        self._emulator = emulator
        self._runtime = runtime
        self._hooks = hooks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})
            return
        if scope["type"] != "http":
            await self._emulator(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        path = scope["path"]
        if b"origin" in headers or b"sec-fetch-site" in headers:
            await _answer(send, 403, {"message": "The local AWS does not answer web pages."})
        elif path.startswith("/_localaws/"):
            await self._call_hook(path.removeprefix("/_localaws/"), headers, receive, send)
        elif path.startswith("/_ministack/"):
            if self._authorised(headers) or (scope["method"], path) == ("GET", _HEALTH) or _is_answer(scope):
                await self._pass_on(scope, receive, send)
            else:
                await _answer(send, 403, {"message": "This path needs the token in the home folder's hook-token."})
        elif is_signed(scope["headers"], scope["query_string"]) or is_registry(scope["headers"], path):
            await self._pass_on(scope, receive, send)
        else:
            await _send(send, 403, *refusal(headers))

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [pair for pair in scope["headers"] if pair[0].lower() != b"x-forwarded-proto"]
        answered = _Answered(self._runtime.journal, send)
        await self._emulator({**scope, "headers": [*headers, (b"x-forwarded-proto", b"https")]}, receive, answered)

    def _authorised(self, headers: Mapping[bytes, bytes]) -> bool:
        given = headers.get(b"authorization", b"")
        return hmac.compare_digest(given, f"Bearer {self._runtime.home.hook_token()}".encode())

    async def _call_hook(self, name: str, headers: Mapping[bytes, bytes], receive: Receive, send: Send) -> None:
        hook = self._hooks.get(name)
        if not self._authorised(headers):
            await _answer(send, 403, {"message": "This call needs the token in the home folder's hook-token."})
            return
        if hook is None:
            await _answer(send, 404, {"message": f"There is no hook {name}; there are {', '.join(self._hooks)}."})
            return
        try:
            body = json.loads(await _body(receive) or b"{}")
            answer = await asyncio.to_thread(hook, self._runtime, body)
            self._runtime.journal.commit()
        except Exception as error:  # the caller is another process: tell it, and the log, and stop there
            log.exception("hook %s failed", name)
            await _answer(send, 500, {"message": str(error)})
            raise
        await _answer(send, 200, answer)


def _is_answer(scope: Scope) -> bool:
    """Of a function, on a custom resource of CloudFormation's: like AWS's, its address is a secret of one use."""
    path: str = scope["path"]
    return scope["method"] == "PUT" and path.startswith(_RESOURCE_ANSWERS)


class _Answered:
    """Sends an answer once the journal has what the request changed."""

    def __init__(self, journal: Journal, send: Send) -> None:
        self._journal, self._send = journal, send
        self._failed = False

    async def __call__(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            try:
                self._journal.commit()
            except JournalError as error:
                log.exception("A change could not be kept")
                self._failed = True
                await _answer(self._send, 500, {"__type": "InternalFailure", "message": str(error)})
        if not self._failed:
            await self._send(message)


async def _body(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


async def _answer(send: Send, status: int, content: Mapping[str, Any]) -> None:
    await _send(send, status, "application/json", json.dumps(content).encode())


async def _send(send: Send, status: int, content_type: str, body: bytes) -> None:
    headers = [(b"content-type", content_type.encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
