"""One HTTP request to another system: it goes to the host that ops named and to no other.

By the standard library, for what it does not do: no redirect is followed, which would carry the token to wherever the
answer says, and no proxy is taken from the environment. A certificate that does not verify ends the request.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import urlsplit

from dropforge.domain.mail import printable
from dropforge.workflow.ports import SinkError

TIMEOUT_SECONDS: Final = 10
"""Of each step of the request: connecting, and each wait for a part of the answer."""
_READ: Final = 16_384
_SAID: Final = 300


@dataclass(frozen=True)
class Answer:
    """`said` is the beginning of the body, on one line."""

    status: int
    said: str

    @property
    def is_accepted(self) -> bool:
        return 200 <= self.status < 300


def post(url: str, document: object, headers: Mapping[str, str]) -> Answer:
    """POST the document as JSON. SinkError when there is no answer."""
    location = urlsplit(url)
    kind = HTTPSConnection if location.scheme == "https" else HTTPConnection
    connection = kind(location.hostname or "", location.port, timeout=TIMEOUT_SECONDS)
    body = json.dumps(document, ensure_ascii=False).encode()
    try:
        connection.request("POST", location.path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return Answer(answer.status, printable(answer.read(_READ).decode("utf-8", "replace"))[:_SAID])
    except (OSError, HTTPException) as error:
        raise SinkError(
            f"{location.netloc} was not reached ({type(error).__name__}: {error}): it is told again; if this goes on, "
            "look at its address under `sinks` in the stage's config file"
        ) from error
    finally:
        connection.close()
