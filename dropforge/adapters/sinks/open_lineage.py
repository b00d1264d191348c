"""A backend of OpenLineage, over HTTP.

https://openlineage.io/apidocs/openapi/ (POST of one event; `/api/v1/lineage` is where OpenLineage's own clients send)
"""

from __future__ import annotations

from typing import Final

from dropforge.adapters.secrets_manager import Tokens
from dropforge.adapters.sinks.open_lineage_events import lineage_events
from dropforge.adapters.sinks.posting import post
from dropforge.domain.sinks import OpenLineageSink
from dropforge.domain.state_report import StateReport
from dropforge.workflow.ports import SinkError

ENDPOINT: Final = "/api/v1/lineage"


class OpenLineageBackend:
    """Implements `ports.Sink`: an event for the begin and one for the end of each attempt."""

    name: Final = "OpenLineage"

    def __init__(self, sink: OpenLineageSink, tokens: Tokens) -> None:
        self._sink = sink
        self._tokens = tokens

    def deliver(self, report: StateReport) -> None:
        for event in lineage_events(report, self._sink.namespace):
            answer = post(f"{self._sink.url.rstrip('/')}{ENDPOINT}", event, self._headers())
            if not answer.is_accepted:
                raise SinkError(
                    f"the OpenLineage backend {self._sink.url} did not take the {event['eventType']} of run "
                    f"{report.run.id} ({answer.status}: {answer.said}): look at its log, and at its address and token "
                    "under `sinks` in the stage's config file"
                )

    def _headers(self) -> dict[str, str]:
        secret = self._sink.token_secret
        return {"Authorization": f"Bearer {self._tokens.token(secret)}"} if secret is not None else {}
