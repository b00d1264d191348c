"""Wake-ups through those queues that a test looks at."""

from __future__ import annotations

from dropforge.adapters.clients import AwsClients
from dropforge.adapters.sqs import SqsWakeups
from dropforge.workflow.ports import Clock
from tests.fakes.world import ManualClock


def wakeups_by(
    aws: AwsClients, clock: Clock | None = None, *, dispatch: str = "", seal: str = "", sign: str = ""
) -> SqsWakeups:
    return SqsWakeups(
        aws, clock or ManualClock(), dispatch_queue_url=dispatch, seal_queue_url=seal, sign_queue_url=sign
    )
