"""CodeBuild that executes: the real buildspec, as the build's own role, against this local AWS."""

from __future__ import annotations

from localaws.codebuild.service import CodeBuildService

__all__ = ["CodeBuildService"]
