"""AWS CodePipeline: V2 pipelines with connection, CodeBuild and Lambda actions."""

from __future__ import annotations

from localaws.codepipeline.service import CodePipelineService

__all__ = ["CodePipelineService"]
