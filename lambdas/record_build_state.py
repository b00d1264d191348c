"""Woken by the build-state queue: a pipeline of this deployment has failed. Idempotent by pipeline execution."""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from dropforge.adapters.batches import Event, each_message
from dropforge.adapters.events.codepipeline import failed_execution_in
from dropforge.adapters.log import logger
from dropforge.bootstrap import QueueFunction
from dropforge.settings import RecordBuildStateSettings
from dropforge.workflow.record_build_failure import record_build_failure

function = QueueFunction(RecordBuildStateSettings)


def handler(event: Event, context: LambdaContext) -> object:
    return each_message(event, context, record, function.source.come_again)


def record(body: str) -> None:
    failed = failed_execution_in(body)
    if failed is None:
        return
    project = failed.project_of(function.ports.stage.deployment)
    notice = record_build_failure(function.ports, project, failed.execution, failed.at)
    logger().info("build failure recorded", project=project, execution=failed.execution, notice=notice.id)
