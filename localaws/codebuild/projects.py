"""Projects: what a request says, filled up with CodeBuild's defaults, refused where it could not be honoured.

https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateProject.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localaws.codebuild.build import Record, now
from localaws.runtime import Runtime
from localaws.service import ServiceError

_SOURCES = frozenset({"CODEPIPELINE", "NO_SOURCE", "S3"})
_ARTIFACTS = frozenset({"CODEPIPELINE", "NO_ARTIFACTS", "S3"})


def create(runtime: Runtime, request: Mapping[str, Any]) -> Record:
    """Return a new project's record."""
    arn = f"arn:aws:codebuild:{runtime.region}:{runtime.account}:project/{request['name']}"
    key = f"arn:aws:kms:{runtime.region}:{runtime.account}:alias/aws/s3"
    defaults = {
        "timeoutInMinutes": 60, "queuedTimeoutInMinutes": 480, "encryptionKey": key, "tags": [],
        "cache": {"type": "NO_CACHE"}, "badge": {"badgeEnabled": False}, "created": now(),
    }  # fmt: skip
    return checked({**defaults, **request, "arn": arn})


def checked(project: Record) -> Record:
    """Return a project with its modification time; raise ServiceError if a build of it could not do what it says."""
    source, kind = project["source"], project["source"]["type"]
    artifacts = project["artifacts"]["type"]
    if kind not in _SOURCES:
        raise _invalid(f"Source type {kind} is not offered by the local AWS: use CODEPIPELINE, S3 or NO_SOURCE.")
    if artifacts not in _ARTIFACTS or (artifacts == "CODEPIPELINE") != (kind == "CODEPIPELINE"):
        raise _invalid("When source or artifacts are of type CODEPIPELINE, both must be.")
    if kind == "NO_SOURCE" and "\n" not in source.get("buildspec", ""):
        raise _invalid("Invalid project source: buildspec must be inline when source type is NO_SOURCE.")
    if kind == "S3" and not source.get("location", "").endswith(".zip"):
        raise _invalid("Invalid project source: location must be <bucket>/<key>.zip.")
    for variable in project["environment"].get("environmentVariables", []):
        if variable["name"].startswith("CODEBUILD_"):
            raise _invalid(f"Environment variable {variable['name']}: names must not begin with CODEBUILD_.")
    return {**project, "lastModified": now()}


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidInputException", message)
