"""SageMaker training jobs that really train: the container contract, the statuses, the events, the refusals."""

from __future__ import annotations

from localaws.sagemaker.service import SageMakerService

__all__ = ["SageMakerService"]
