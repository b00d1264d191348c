"""Events that AWS services publish about themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class Bus(Protocol):
    """The default event bus of the account."""

    def publish(self, source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str]) -> None:
        """Put one event whose source is an AWS service, such as `aws.sagemaker`.

        `detail` is JSON-able and in the shape that the service documents; envelope members (id, time, account, region)
        are the bus's. Rules have been matched when this returns, targets may still be on their way.
        """
