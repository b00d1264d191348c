"""What a pipeline's structure must obey before it is accepted.

Follows "CodePipeline pipeline structure reference" of the user guide (reference-pipeline-structure.html) and the
action references. What AWS has and the local AWS lacks is refused here, in words, never accepted and ignored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localaws.codepipeline.globs import GlobError, matches
from localaws.codepipeline.variables import RESERVED_NAMESPACES, references
from localaws.service import ServiceError


@dataclass(frozen=True)
class ActionType:
    """What one kind of action takes: configuration keys and numbers of artifacts."""

    required: frozenset[str]
    optional: frozenset[str]
    inputs: range
    outputs: range


ACTION_TYPES: Mapping[tuple[str, str, str, str], ActionType] = {
    ("Source", "AWS", "CodeStarSourceConnection", "1"): ActionType(
        frozenset({"ConnectionArn", "FullRepositoryId", "BranchName"}),
        frozenset({"OutputArtifactFormat", "DetectChanges"}),
        inputs=range(1),
        outputs=range(1, 2),
    ),
    ("Build", "AWS", "CodeBuild", "1"): ActionType(
        frozenset({"ProjectName"}),
        frozenset({"PrimarySource", "EnvironmentVariables"}),
        inputs=range(1, 6),
        outputs=range(6),
    ),
    ("Invoke", "AWS", "Lambda", "1"): ActionType(
        frozenset({"FunctionName"}),
        frozenset({"UserParameters"}),
        inputs=range(6),
        outputs=range(6),
    ),
}


def check(declaration: Mapping[str, Any]) -> None:
    """Accept a declaration or raise ServiceError with the code that AWS uses and what to change."""
    _check_kind(declaration)
    _check_stages(declaration["stages"])
    for stage in declaration["stages"]:
        for action in stage["actions"]:
            _check_action(stage["name"], action)
    _check_artifacts(declaration["stages"])
    _check_namespaces(declaration)
    _check_triggers(declaration)


def _structure(message: str) -> ServiceError:
    return ServiceError("InvalidStructureException", message)


def _stage_error(message: str) -> ServiceError:
    return ServiceError("InvalidStageDeclarationException", message)


def _action_error(message: str) -> ServiceError:
    return ServiceError("InvalidActionDeclarationException", message)


def _check_kind(declaration: Mapping[str, Any]) -> None:
    if ("artifactStore" in declaration) == ("artifactStores" in declaration):
        raise _structure("Pipeline should have exactly one of artifactStore and artifactStores.")
    if "artifactStores" in declaration:
        raise _structure("The local AWS has one region: give artifactStore instead of artifactStores.")
    if declaration.get("executionMode") == "PARALLEL":
        raise _structure("The local AWS does not offer the execution mode PARALLEL: use QUEUED or SUPERSEDED.")
    # AWS makes a pipeline V2 by itself when it has triggers or variables; one that is V1 by name cannot have them.
    second_type_only = [name for name in ("triggers", "variables") if declaration.get(name)]
    if declaration.get("pipelineType") == "V1" and (second_type_only or declaration.get("executionMode") == "QUEUED"):
        raise _structure("Triggers, variables and the execution mode QUEUED need pipelineType V2.")


def _check_stages(stages: Sequence[Mapping[str, Any]]) -> None:
    if len(stages) < 2:
        raise _structure("Pipeline has only 1 stage(s). There should be a minimum of 2 stages in a pipeline")
    if repeated := _repeated(stage["name"] for stage in stages):
        raise _stage_error(f"Two stages are named {repeated}: give each stage a name of its own.")
    for position, stage in enumerate(stages):
        _check_stage(stage, is_first=position == 0)


def _check_stage(stage: Mapping[str, Any], *, is_first: bool) -> None:
    name = stage["name"]
    if not stage["actions"]:
        raise _stage_error(f"Stage {name} has no action: give it one, or remove it.")
    if repeated := _repeated(action["name"] for action in stage["actions"]):
        raise _stage_error(f"Two actions of stage {name} are named {repeated}: give each a name of its own.")
    kinds = {action["actionTypeId"]["category"] for action in stage["actions"]}
    if is_first and kinds != {"Source"}:
        raise _stage_error(f"Pipeline should start with a stage that only contains source actions, not {name}.")
    if not is_first and "Source" in kinds:
        raise _stage_error(f"Stage {name} contains a source action: those belong in the first stage only.")
    if lacking := [member for member in ("onFailure", "onSuccess", "beforeEntry", "blockers") if stage.get(member)]:
        raise _stage_error(f"The local AWS does not offer {lacking[0]} (stage {name}): leave it out there.")


def _check_action(stage: str, action: Mapping[str, Any]) -> None:
    where = f"action {action['name']} of stage {stage}"
    type_id = action["actionTypeId"]
    key = (type_id["category"], type_id["owner"], type_id["provider"], type_id["version"])
    kind = ACTION_TYPES.get(key)
    if kind is None:
        offered = ", ".join("/".join(item) for item in ACTION_TYPES)
        raise _action_error(f"The local AWS has no action type {'/'.join(key)} ({where}); it has {offered}.")
    configuration = action.get("configuration", {})
    if missing := sorted(kind.required - set(configuration)):
        raise _action_error(f"The configuration of {where} lacks {missing[0]}: add it.")
    if unknown := sorted(set(configuration) - kind.required - kind.optional):
        raise _action_error(f"The configuration of {where} has the unknown key {unknown[0]}: remove it.")
    for member, allowed in (("inputArtifacts", kind.inputs), ("outputArtifacts", kind.outputs)):
        if len(action.get(member, [])) not in allowed:
            raise _action_error(f"{member} of {where} must number {allowed[0]} to {allowed[-1]}.")
    _check_limits(where, action, configuration)


def _check_limits(where: str, action: Mapping[str, Any], configuration: Mapping[str, str]) -> None:
    provider = action["actionTypeId"]["provider"]
    if len(configuration.get("UserParameters", "")) > 1000:
        raise _action_error(f"UserParameters of {where} exceed 1,000 characters: pass a pointer to the data instead.")
    if configuration.get("OutputArtifactFormat", "CODE_ZIP") not in {"CODE_ZIP", "CODEBUILD_CLONE_REF"}:
        raise _action_error(f"OutputArtifactFormat of {where} must be CODE_ZIP or CODEBUILD_CLONE_REF.")
    if configuration.get("DetectChanges", "true").lower() not in {"true", "false"}:
        raise _action_error(f"DetectChanges of {where} must be true or false.")
    inputs = [artifact["name"] for artifact in action.get("inputArtifacts", [])]
    if provider == "CodeBuild" and len(inputs) > 1 and configuration.get("PrimarySource") not in inputs:
        raise _action_error(f"PrimarySource of {where} must name one of its input artifacts: {', '.join(inputs)}.")
    if lacking := [
        member
        for member in ("commands", "outputVariables", "environmentVariables", "timeoutInMinutes")
        if action.get(member)
    ]:
        raise _action_error(f"The member {lacking[0]} of {where} does not apply to {provider} actions: remove it.")


def _check_artifacts(stages: Sequence[Mapping[str, Any]]) -> None:
    """Every input artifact is the output of an action that is certain to have ended before."""
    produced: set[str] = set()
    for stage in stages:
        for order in run_orders(stage):
            actions = [action for action in stage["actions"] if action.get("runOrder", 1) == order]
            for action in actions:
                wanted = [artifact["name"] for artifact in action.get("inputArtifacts", [])]
                if missing := [name for name in wanted if name not in produced]:
                    raise _action_error(
                        f"The input artifact {missing[0]} of action {action['name']} is not an output of an earlier "
                        "action: produce it in an earlier stage, or with a lower runOrder."
                    )
            for name in [artifact["name"] for action in actions for artifact in action.get("outputArtifacts", [])]:
                if name in produced:
                    raise _action_error(f"Two actions produce the artifact {name}: give each output a name of its own.")
                produced.add(name)


def run_orders(stage: Mapping[str, Any]) -> list[int]:
    """The run orders that a stage uses, ascending; actions that share one run side by side."""
    return sorted({int(action.get("runOrder", 1)) for action in stage["actions"]})


def _check_namespaces(declaration: Mapping[str, Any]) -> None:
    if repeated := _repeated(variable["name"] for variable in declaration.get("variables", [])):
        raise _structure(f"The pipeline variable {repeated} is declared twice: declare it once.")
    declared = {variable["name"] for variable in declaration.get("variables", [])}
    known: set[str] = set()
    for stage in declaration["stages"]:
        for order in run_orders(stage):
            actions = [action for action in stage["actions"] if action.get("runOrder", 1) == order]
            for action in actions:
                _check_references(action, known, declared)
            for namespace in [action["namespace"] for action in actions if "namespace" in action]:
                if namespace in known | RESERVED_NAMESPACES:
                    raise _action_error(f"The namespace {namespace} is taken: give each action one of its own.")
                known.add(namespace)


def _check_references(action: Mapping[str, Any], known: set[str], declared: set[str]) -> None:
    found = references(action.get("configuration", {}))
    if found and action["actionTypeId"]["category"] == "Source":
        raise _action_error(f"Source action {action['name']} cannot use variables in its configuration.")
    for namespace, name in sorted(found):
        if namespace not in known | RESERVED_NAMESPACES:
            raise _action_error(f"Action {action['name']} refers to the namespace {namespace} of no earlier action.")
        if namespace == "variables" and name not in declared:
            raise _action_error(f"Action {action['name']} refers to the undeclared pipeline variable {name}.")


def _check_triggers(declaration: Mapping[str, Any]) -> None:
    sources = {
        action["name"]
        for action in declaration["stages"][0]["actions"]
        if action["actionTypeId"]["provider"] == "CodeStarSourceConnection"
    }
    configurations = [trigger["gitConfiguration"] for trigger in declaration.get("triggers", [])]
    if repeated := _repeated(git["sourceActionName"] for git in configurations):
        raise _structure(f"Source action {repeated} has two triggers: a source action takes one.")
    for git in configurations:
        if git["sourceActionName"] not in sources:
            raise _structure(f"A trigger names {git['sourceActionName']}, which is no connection's source action here.")
        if git.get("pullRequest"):
            raise _structure("The local AWS has no pull requests: leave pullRequest out of the trigger there.")
        for push_filter in git.get("push", []):
            _check_filter(push_filter)


def _check_filter(push_filter: Mapping[str, Any]) -> None:
    if not push_filter:
        raise _structure("A push filter is empty: give it branches, branches and filePaths, or tags.")
    if "tags" in push_filter and len(push_filter) > 1:
        raise _structure("A push filter holds tags beside branches or filePaths: put tags into a filter of their own.")
    if "filePaths" in push_filter and "branches" not in push_filter:
        raise _structure("A push filter holds filePaths without branches: name the branches too.")
    for criteria in push_filter.values():
        if not criteria:
            raise _structure("A push filter has criteria that neither include nor exclude anything.")
        for pattern in [item for patterns in criteria.values() for item in patterns]:
            try:
                matches(pattern, "")
            except GlobError as error:
                raise _structure(str(error)) from error


def _repeated(names: Iterable[str]) -> str | None:
    return next((name for name, times in Counter(names).items() if times > 1), None)
