"""Woken every 15 minutes by the sweep queue: what no event told of is found and healed. Idempotent as its parts are."""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from dropforge.adapters.batches import Event, one_pass
from dropforge.adapters.deadline import ends_at
from dropforge.bootstrap import Function
from dropforge.settings import SweepSettings
from dropforge.workflow import sweep

function = Function(SweepSettings)


def handler(event: Event, context: LambdaContext) -> None:
    ends = ends_at(context, function.ports.clock.now())
    one_pass(event, lambda: sweep.sweep(function.ports, ends))
