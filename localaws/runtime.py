"""What a service is given to work with."""

from __future__ import annotations

import contextvars
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from localaws.bus import Bus
from localaws.caller import Caller
from localaws.home import Home
from localaws.journal import Journal
from localaws.processes import ProcessLedger

log = logging.getLogger("localaws")


class Neighbour(Protocol):
    """One of our services as the others see it; see `service.Service`."""

    name: ClassVar[str]

    def dispatch(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Perform an operation."""

    def keep(self) -> None:
        """Note what changed."""

    def stop(self) -> None:
        """End what is running."""


@dataclass(frozen=True)
class Runtime:
    """The server as its services see it: one account, one region, one endpoint."""

    home: Home
    endpoint: str
    region: str
    account: str
    caller: Caller
    bus: Bus
    processes: ProcessLedger
    journal: Journal
    services: dict[str, Neighbour] = field(default_factory=dict)
    """Our services by botocore name, so that one can `dispatch` to another."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set when the server stops: loops that wait should wait on this."""

    @property
    def registry(self) -> str:
        """The host that stands for ECR in image URIs, as `DescribeRepositories` returns it."""
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com"

    def publish(self, source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str] = ()) -> None:
        """Put an event of an AWS service on the default bus; what it tells of is noted before."""
        service = self.services.get(source.removeprefix("aws."))
        if service is not None:
            service.keep()
        self.bus.publish(source, detail_type, detail, resources)

    def spawn(self, name: str, function: Callable[..., None], *arguments: Any) -> threading.Thread:
        """Run a function on a daemon thread in the caller's context, so that account and region go with it."""
        context = contextvars.copy_context()
        arguments = (_logged, name, function, *arguments)
        thread = threading.Thread(target=context.run, args=arguments, name=name, daemon=True)
        thread.start()
        return thread


def _logged(name: str, function: Callable[..., None], *arguments: Any) -> None:
    try:
        function(*arguments)
    except Exception:
        log.exception("%s ended with an error that it did not expect", name)
        raise
