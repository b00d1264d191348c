"""Which pushes start a pipeline: the git triggers of a V2 pipeline.

Follows "Filter triggers on code push or pull requests" of the CodePipeline user guide (pipelines-filter.html): the
filters of one trigger are alternatives, the criteria within a filter must all hold, an exclude beats an include. A
source action without a trigger starts on a push to its own branch unless `DetectChanges` is "false".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from localaws.codepipeline.globs import matches
from localaws.githost.pushes import Push


def starts(declaration: Mapping[str, Any], push: Push) -> Mapping[str, Any] | None:
    """The source action through which `push` starts this pipeline, None when it does not."""
    triggers = {trigger["gitConfiguration"]["sourceActionName"]: trigger for trigger in declaration.get("triggers", [])}
    for action in connection_sources(declaration):
        if action["configuration"]["FullRepositoryId"] != push.repository:
            continue
        if _action_wants(action, triggers.get(action["name"]), push):
            return action
    return None


def connection_sources(declaration: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The source actions that read from a repository through a connection."""
    return [
        action
        for stage in declaration["stages"]
        for action in stage["actions"]
        if action["actionTypeId"]["provider"] == "CodeStarSourceConnection"
    ]


def _action_wants(action: Mapping[str, Any], trigger: Mapping[str, Any] | None, push: Push) -> bool:
    configuration = action["configuration"]
    own_branch = push.branch is not None and push.branch == configuration["BranchName"]
    if trigger is None:
        return own_branch and configuration.get("DetectChanges", "true").lower() != "false"
    git = trigger["gitConfiguration"]
    if "push" not in git:
        # A trigger on pull requests alone hears of no push; a trigger without any filter hears of its own branch.
        return own_branch and "pullRequest" not in git
    return any(_filter_accepts(push_filter, push) for push_filter in git["push"])


def _filter_accepts(push_filter: Mapping[str, Any], push: Push) -> bool:
    if push.tag is not None:
        return "tags" in push_filter and _accepted(push_filter["tags"], push.tag)
    if "branches" not in push_filter or not _accepted(push_filter["branches"], push.branch or ""):
        return False
    return "filePaths" not in push_filter or _some_accepted(push_filter["filePaths"], push.paths)


def _accepted(criteria: Mapping[str, Sequence[str]], name: str) -> bool:
    if any(matches(pattern, name) for pattern in criteria.get("excludes", [])):
        return False
    return "includes" not in criteria or any(matches(pattern, name) for pattern in criteria["includes"])


def _some_accepted(criteria: Mapping[str, Sequence[str]], paths: Sequence[str]) -> bool:
    return any(_accepted(criteria, path) for path in paths)
