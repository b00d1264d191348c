"""What EventBridge says when a training job changes state.

https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html. Several events may tell of
one change, members may be absent, null or of another type than documented, so the event is taken as a word that this
job has changed; what it is now is what Describe says.
"""

from __future__ import annotations

from dropforge.adapters.events.members import optional, parsed, required


def changed_job_in(body: str) -> str | None:
    """The name of the training job that changed; None for news of anything else."""
    event = parsed(body)
    if event.get("detail-type") != "SageMaker Training Job State Change":
        return None
    return str(optional(event, "detail", "TrainingJobName") or _name_in(required(event, "detail", "TrainingJobArn")))


def _name_in(arn: str) -> str:
    return arn.rpartition("/")[2]
