"""Woken by the job-state queue: a training job of this deployment has changed. Idempotent by run, attempt and state."""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from dropforge.adapters.batches import Event, each_message
from dropforge.adapters.events.sagemaker import changed_job_in
from dropforge.adapters.log import logger
from dropforge.bootstrap import QueueFunction
from dropforge.settings import RecordJobStateSettings
from dropforge.workflow import record_job_state

function = QueueFunction(RecordJobStateSettings)


def handler(event: Event, context: LambdaContext) -> object:
    return each_message(event, context, record, function.source.come_again)


def record(body: str) -> None:
    job_name = changed_job_in(body)
    if job_name is None:
        return
    run = record_job_state.record_job_state(function.ports, job_name)
    if run is not None:
        logger().info("job state recorded", project=run.project, run=run.id, job=job_name, status=run.status.value)
