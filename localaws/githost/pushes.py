"""What a push means to the pipelines: the webhook side of a connection."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol, cast

from localaws.githost.repositories import Commit, Repository, RepositoryError, find
from localaws.runtime import Runtime

_ABSENT = re.compile(r"0+")


@dataclass(frozen=True)
class Push:
    """One ref that a push created or moved.

    Exactly one of `branch` and `tag` is set; `paths` are those that differ between the ref's old and new commit.
    """

    repository: str
    commit: str
    branch: str | None = None
    tag: str | None = None
    paths: tuple[str, ...] = ()


class Pipelines(Protocol):
    """Who is told of a push, as it is seen from here; see `codepipeline.CodePipelineService`."""

    def pushed(self, push: Push, commit: Commit) -> dict[str, list[dict[str, str]]]:
        """Start what the push triggers; return what was started, and what was refused."""


def pushed(runtime: Runtime, body: dict[str, Any]) -> dict[str, Any]:
    """Start every pipeline whose triggers match what was pushed.

    `body` is `{"repository": "owner/name", "refs": [{"old", "new", "ref"}]}`, as git gives it to post-receive. Returns
    `{"started": [{"pipeline", "execution"}], "refused": [{"pipeline", "reason"}]}`. A deleted ref starts nothing.
    """
    repository = find(runtime.home, body["repository"])
    pipelines = cast("Pipelines", runtime.services["codepipeline"])
    answer: dict[str, list[dict[str, str]]] = {"started": [], "refused": []}
    for change in body["refs"]:
        push = _push(repository, change["old"], change["new"], change["ref"])
        if push is not None:
            for outcome, items in pipelines.pushed(push, repository.commit(push.commit)).items():
                answer[outcome].extend(items)
    return answer


def _push(repository: Repository, old: str, new: str, ref: str) -> Push | None:
    """The push of one ref; None if the ref is gone, or is neither a branch nor a tag of a commit."""
    if _ABSENT.fullmatch(new):
        return None
    try:
        commit = repository.commit(new).id
    except RepositoryError:  # a tag may name a file or a tree, which no pipeline can build
        return None
    if ref.startswith("refs/tags/"):
        return Push(repository.name, commit, tag=ref.removeprefix("refs/tags/"))
    if not ref.startswith("refs/heads/"):
        return None
    before = None if _ABSENT.fullmatch(old) else repository.commit(old).id
    branch = ref.removeprefix("refs/heads/")
    return Push(repository.name, commit, branch=branch, paths=repository.changed_paths(before, commit))
