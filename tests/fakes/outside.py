"""Two other systems on this machine: a backend of OpenLineage, and the part of GitHub's API that takes statuses.

`python -m tests.fakes.outside FILE` serves until it is ended, prints its address first, and keeps in FILE what it was
sent and took, a line each.
"""

from __future__ import annotations

import json
import re
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LINEAGE_TOKEN, GITHUB_TOKEN = "lineage-0123", "github_pat_0123"
STATES = {"error", "failure", "pending", "success"}
LONGEST_DESCRIPTION = 140
_STATUSES = re.compile(r"/repos/([\w.-]+/[\w.-]+)/statuses/([0-9a-f]{40})")
_MOVED = "moved"
"""The name of a repository that has another one now."""


@dataclass
class Outside:
    """What each system was sent and took: events, and statuses by repository, commit and context."""

    url: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    """To be given to the next requests, in place of what they deserve."""
    record: Path | None = None

    def take(self, path: str, document: dict[str, Any], headers: dict[str, str]) -> tuple[int, str]:
        """Status and message of the answer."""
        if self.answers:
            return self.answers.pop(0), "as the test wants"
        if path == "/api/v1/lineage":
            return self._take_event(document, headers)
        if found := _STATUSES.fullmatch(path):
            return self._take_status(found[1], found[2], document, headers)
        return 404, "Not Found"

    def _take_event(self, event: dict[str, Any], headers: dict[str, str]) -> tuple[int, str]:
        if headers.get("authorization") != f"Bearer {LINEAGE_TOKEN}":
            return 401, "Unauthorized"
        self._keep(self.events, event)
        return 201, ""

    def _take_status(
        self, repository: str, commit: str, status: dict[str, Any], headers: dict[str, str]
    ) -> tuple[int, str]:
        """https://docs.github.com/en/rest/commits/statuses#create-a-commit-status"""
        if not headers.get("user-agent"):
            return 403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent."
        if headers.get("authorization") != f"Bearer {GITHUB_TOKEN}":
            return 401, "Bad credentials"
        if repository.endswith(f"/{_MOVED}"):
            return 307, "Moved"
        if status["state"] not in STATES or len(status["description"]) > LONGEST_DESCRIPTION:
            return 422, "Validation Failed"
        self._keep(self.statuses, {**status, "repository": repository, "sha": commit})
        return 201, ""

    def _keep(self, taken: list[dict[str, Any]], document: dict[str, Any]) -> None:
        taken.append(document)
        if self.record is not None:
            with self.record.open("a", encoding="utf-8") as file:
                file.write(json.dumps(document) + "\n")


class _Handler(BaseHTTPRequestHandler):
    outside: Outside

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, message = self.outside.take(self.path, json.loads(content), headers)
        body = json.dumps({"message": message}).encode()
        self.send_response(status)
        if status == 307:
            self.send_header("Location", f"{self.outside.url}/api/v1/lineage")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (as the library calls it)
        """Say nothing."""


def server_of(outside: Outside) -> ThreadingHTTPServer:
    handler = type("Handler", (_Handler,), {"outside": outside})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    outside.url = f"http://127.0.0.1:{server.server_address[1]}"
    return server


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Outside]:
    outside = Outside()
    with server_of(outside) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
            outside.url = outside.url.replace("http:", "https:")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield outside
        finally:
            server.shutdown()
            thread.join()


if __name__ == "__main__":
    everything = Outside(record=Path(sys.argv[1]))
    with server_of(everything) as listening:
        sys.stdout.write(f"{everything.url}\n")
        sys.stdout.flush()
        listening.serve_forever()
