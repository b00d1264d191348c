"""The actions that a pipeline can take, by provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from localaws.codepipeline.actions import build, invoke, source
from localaws.codepipeline.work import Work

PROVIDERS: Mapping[str, Callable[[Work], None]] = {
    "CodeStarSourceConnection": source.run,
    "CodeBuild": build.run,
    "Lambda": invoke.run,
}
