"""Woken by the dispatch queue: runs may be free to start. Idempotent by run and attempt.

The queue is FIFO with one message group, and a pass looks at every run that waits, so one pass answers all messages of
a batch. When it fails, all of them are delivered again soon.
"""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from dropforge.adapters.batches import Event, one_pass, receipts_of
from dropforge.adapters.deadline import ends_at
from dropforge.bootstrap import QueueFunction
from dropforge.settings import DispatchRunsSettings
from dropforge.workflow import dispatch_runs

function = QueueFunction(DispatchRunsSettings)


def handler(event: Event, context: LambdaContext) -> None:
    ports = function.ports
    one_pass(
        event,
        lambda: dispatch_runs.dispatch_runs(ports, ends_at(context, ports.clock.now())),
        on_failure=lambda: function.source.come_again_soon(receipts_of(event)),
    )
