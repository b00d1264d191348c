"""Woken by the sign queue: a run has ended. Idempotent by run and trail head: what is signed is not signed again."""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from dropforge.adapters.batches import Event, each_message
from dropforge.adapters.events.signing import run_to_sign_in
from dropforge.adapters.log import logger
from dropforge.bootstrap import QueueFunction
from dropforge.settings import SignRunSettings
from dropforge.workflow import sign_run

function = QueueFunction(SignRunSettings)


def handler(event: Event, context: LambdaContext) -> object:
    return each_message(event, context, sign, function.source.come_again)


def sign(body: str) -> None:
    run = sign_run.sign_run(function.ports, run_to_sign_in(body))
    logger().info("signature looked after", project=run.project, run=run.id, signed=run.signed is not None)
