"""Build / AWS / CodeBuild: runs a build on the action's input artifacts.

Follows "AWS CodeBuild build and test action reference" (action-reference-CodeBuild.html) of the user guide for
configuration, artifacts and output variables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from localaws.codebuild import CodeBuildService
from localaws.codepipeline import artifacts
from localaws.codepipeline.permissions import allows
from localaws.codepipeline.work import ActionFailedError, Work
from localaws.service import ServiceError

_RUNNING = "IN_PROGRESS"
_VARIABLE_TYPES = frozenset({"PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER"})


def run(work: Work) -> None:
    """Start the build, or find the one that was under way, and wait until it ends."""
    if not work.record.external_id:
        _start(work)
    work.wait(lambda: _build(work)["buildStatus"] != _RUNNING, poll=0.3)
    build = _build(work)
    exported = {item["name"]: item["value"] for item in build.get("exportedEnvironmentVariables", [])}
    work.update(variables=exported)
    if build["buildStatus"] != "SUCCEEDED":
        raise ActionFailedError("JobFailed", f"Build terminated with state: {build['buildStatus']}{_reason(build)}")


def _start(work: Work) -> None:
    project = work.configuration["ProjectName"]
    arn = f"arn:aws:codebuild:{work.runtime.region}:{work.runtime.account}:project/{project}"
    for action in ("codebuild:StartBuild", "codebuild:BatchGetBuilds"):
        if not allows(work, [action], arn):
            raise ActionFailedError(
                "PermissionError",
                f"The role {work.record.role_arn} may not start the build: allow it {action} on {arn}.",
            )
    primary = work.configuration.get("PrimarySource") or next(iter(work.record.inputs))
    outputs = {name: artifacts.place(work, name) for name in artifacts.output_names(work)}
    try:
        build = _service(work).start_from_pipeline(
            project,
            _source(work, primary),
            {name: _source(work, name) for name in work.record.inputs if name != primary},
            _environment(work),
            {"artifacts": outputs, "encryption": artifacts.encryption(work), "pipeline": work.pipeline.name},
        )
    except ServiceError as error:
        raise ActionFailedError("ConfigurationError", f"The build could not be started: {error.message}") from error
    work.update(external_id=build, outputs=outputs, external_url=_console(work, project, build))


def _source(work: Work, artifact: str) -> dict[str, str]:
    """Where an input artifact lies, and of which commit it is."""
    revision = work.execution.artifact_revisions.get(artifact, {}).get("revisionId", "")
    return {**work.record.inputs[artifact], "revision": revision}


def _environment(work: Work) -> list[dict[str, str]]:
    """The variables of the configuration's `EnvironmentVariables`: JSON of name, value and, optionally, type."""
    text = work.configuration.get("EnvironmentVariables", "[]")
    try:
        variables = json.loads(text)
        return [_variable(item) for item in variables]
    except (ValueError, TypeError, KeyError) as error:
        raise ActionFailedError(
            "ConfigurationError",
            f"EnvironmentVariables of action {work.record.action} is no JSON list of name and value: {error}.",
        ) from error


def _variable(item: Mapping[str, Any]) -> dict[str, str]:
    kind = str(item.get("type", "PLAINTEXT"))
    if kind not in _VARIABLE_TYPES:
        raise ValueError(f"the type of {item['name']} is none of {', '.join(sorted(_VARIABLE_TYPES))}")
    return {"name": str(item["name"]), "value": str(item["value"]), "type": kind}


def _build(work: Work) -> dict[str, Any]:
    found = _service(work).dispatch("BatchGetBuilds", {"ids": [work.record.external_id]})["builds"]
    if not found:
        raise ActionFailedError("JobFailed", f"CodeBuild knows no build {work.record.external_id}: start it again.")
    build: dict[str, Any] = found[0]
    return build


def _reason(build: Mapping[str, Any]) -> str:
    """What the first failed phase said, as the console shows it."""
    for phase in build.get("phases", []):
        for context in phase.get("contexts") or []:
            if context.get("message"):
                code = context.get("statusCode", "")
                return f". Phase: {phase['phaseType']}, Code: {code}, Message: {context['message']}"
    return ""


def _console(work: Work, project: str, build: str) -> str:
    region = work.runtime.region
    return f"https://console.aws.amazon.com/codebuild/home?region={region}#/builds/{project}:{build.partition(':')[2]}/view/new"


def _service(work: Work) -> CodeBuildService:
    return cast("CodeBuildService", work.runtime.services["codebuild"])
