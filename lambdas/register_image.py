"""The last action of a pipeline: the image that was built becomes known. Idempotent by commit and execution.

The pipeline waits for an answer: that it is done, or the sentence that says why it never will be. An error of another
kind is no answer, since Lambda calls twice more, and what is told as failed must not be trained later: the image may be
the project's by then, and the next data trains with it. Is none of the three calls good for an answer, the call is kept
among the abandoned ones, and the action fails when its time is over.
"""

from __future__ import annotations

from aws_lambda_powertools.utilities.typing import LambdaContext

from dropforge.adapters.batches import Event
from dropforge.adapters.build_artifact import BuildArtifactError, image_document
from dropforge.adapters.codepipeline import PipelineJob
from dropforge.adapters.events.codepipeline import job_id, registration_in
from dropforge.adapters.events.members import EventError
from dropforge.adapters.log import logger
from dropforge.bootstrap import Function
from dropforge.domain.errors import UnknownProjectError
from dropforge.settings import RegisterImageSettings
from dropforge.workflow.register_image import BuiltImage, ImageRefusedError, Registration, register_image

FINAL = (EventError, BuildArtifactError, ImageRefusedError, UnknownProjectError)
"""What a second call would find as it is; all that is raised before the image is recorded."""

function = Function(RegisterImageSettings)


def handler(event: Event, context: LambdaContext) -> None:  # noqa: ARG001
    job = PipelineJob(function.aws, job_id(event))
    try:
        registered = register(event)
    except FINAL as refusal:
        logger().warning("image refused", reason=str(refusal))
        job.fail(str(refusal))
    except Exception:
        logger().exception("the image could not be registered, and Lambda calls again")
        raise
    else:
        run = registered.run.id if registered.run else "none"
        logger().info("image registered", project=registered.image.project, digest=registered.image.digest, run=run)
        job.succeed({"image_digest": registered.image.digest, "run": run})


def register(event: Event) -> Registration:
    wanted = registration_in(event)
    claims = image_document(function.aws, wanted.artifact)
    built = BuiltImage(
        project=wanted.project,
        commit=wanted.commit,
        branch=wanted.branch,
        execution_id=wanted.execution,
        dataset_version=wanted.dataset_version,
        claims=claims,
    )
    return register_image(function.ports, built)
