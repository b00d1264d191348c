"""Events of our own on a bus of the account, for whoever wants to act on them.

https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
"""

from __future__ import annotations

import json

from dropforge.adapters.clients import AwsClients
from dropforge.domain.encoding import encode
from dropforge.domain.errors import DropforgeError
from dropforge.domain.state_change import DETAIL_TYPE, SOURCE, RunStateChanged


class EventRefusedError(DropforgeError):
    """EventBridge did not take an event; it is sent again."""


class EventBridgeStateChanges:
    """Implements `ports.StateChanges`."""

    def __init__(self, clients: AwsClients, bus: str) -> None:
        self._clients = clients
        self._bus = bus

    def publish(self, change: RunStateChanged) -> None:
        """PutEvents succeeds as a call even when it takes none of its entries."""
        answer = self._clients.events.put_events(
            Entries=[
                {
                    "EventBusName": self._bus,
                    "Source": SOURCE,
                    "DetailType": DETAIL_TYPE,
                    "Time": change.at,
                    "Detail": json.dumps(encode(change), ensure_ascii=False),
                }
            ]
        )
        if answer["FailedEntryCount"]:
            [entry] = answer["Entries"]
            raise EventRefusedError(
                f"EventBridge did not take the event of run {change.run} ({entry.get('ErrorCode')}: "
                f"{entry.get('ErrorMessage')}): it is sent again"
            )
