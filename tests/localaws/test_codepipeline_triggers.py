from __future__ import annotations

from typing import Any

import pytest

from localaws.codepipeline.globs import GlobError, matches
from localaws.codepipeline.triggers import starts
from localaws.githost.pushes import Push


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("*.java", "Main.java"), ("src/*", "src/a"), ("src/**", "src/a/b"), ("**", "a/b/c"), ("foo.?", "foo.c"),
        ("*.{java,class}", "A.class"), ("[ab].py", "b.py"), ("[!ab].py", "c.py"), ("[a-c]x", "bx"), ("[-a]", "-"),
        ("\\*", "*"), ("feature/**", "feature/a/b"), ("**/README.md", "docs/README.md"), ("*", ".hidden"),
        ("v[0-9]*", "v1.2"), ("a,b", "a,b"), ("a+b(c)", "a+b(c)"),
    ],
)  # fmt: skip
def test_a_glob_matches(pattern: str, name: str) -> None:
    assert matches(pattern, name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("*.java", "src/Main.java"), ("src/*", "src/a/b"), ("foo.?", "foo."), ("*.{java,class}", "A.py"),
        ("[!ab].py", "a.py"), ("a?b", "a/b"), ("[!a]", "/"), ("main", "maint"), ("**/README.md", "README.md"),
        ("a.c", "abc"),
    ],
)  # fmt: skip
def test_a_glob_does_not_match(pattern: str, name: str) -> None:
    assert not matches(pattern, name)


@pytest.mark.parametrize("pattern", ["[ab", "{a,b", "a\\", "{a,{b}}"])
def test_a_glob_that_cannot_be_read_is_refused_with_the_pattern(pattern: str) -> None:
    with pytest.raises(GlobError) as error:
        matches(pattern, "a")
    assert repr(pattern) in str(error.value)


def _pipeline(triggers: list[dict[str, Any]] | None = None, **configuration: str) -> dict[str, Any]:
    source = {
        "name": "Source",
        "actionTypeId": {"category": "Source", "owner": "AWS", "provider": "CodeStarSourceConnection", "version": "1"},
        "configuration": {"FullRepositoryId": "acme/churn", "BranchName": "main", **configuration},
    }
    declaration: dict[str, Any] = {"stages": [{"name": "Source", "actions": [source]}]}
    return declaration | ({"triggers": triggers} if triggers else {})


def _on_push(*filters: dict[str, Any]) -> list[dict[str, Any]]:
    git: dict[str, Any] = {"sourceActionName": "Source"} | ({"push": list(filters)} if filters else {})
    return [{"providerType": "CodeStarSourceConnection", "gitConfiguration": git}]


def _branch(name: str, *paths: str) -> Push:
    return Push("acme/churn", "c" * 40, branch=name, paths=paths)


def test_without_a_trigger_a_push_to_the_sources_branch_starts_the_pipeline() -> None:
    assert starts(_pipeline(), _branch("main", "a"))
    assert not starts(_pipeline(), _branch("other", "a"))
    assert not starts(_pipeline(DetectChanges="false"), _branch("main", "a"))


def test_another_repository_starts_nothing() -> None:
    assert not starts(_pipeline(), Push("acme/other", "c" * 40, branch="main"))


def test_a_trigger_without_filters_hears_of_the_sources_branch_alone() -> None:
    assert starts(_pipeline(_on_push(), DetectChanges="false"), _branch("main"))
    assert not starts(_pipeline(_on_push()), _branch("other"))


def test_filters_decide_and_not_the_branch_of_the_source() -> None:
    pipeline = _pipeline(_on_push({"branches": {"includes": ["release/**"], "excludes": ["release/old*"]}}))

    assert starts(pipeline, _branch("release/1/2"))
    assert not starts(pipeline, _branch("release/old1"))
    assert not starts(pipeline, _branch("main"))


def test_branches_and_paths_must_both_be_met_and_an_exclude_beats_an_include() -> None:
    paths = {"includes": ["models/**"], "excludes": ["**/README.md"]}
    pipeline = _pipeline(_on_push({"branches": {"includes": ["main"]}, "filePaths": paths}))

    assert starts(pipeline, _branch("main", "docs/x", "models/train.py"))
    assert not starts(pipeline, _branch("main", "docs/x", "models/README.md"))
    assert not starts(pipeline, _branch("dev", "models/train.py"))
    assert not starts(pipeline, _branch("main"))


def test_filters_are_alternatives() -> None:
    pipeline = _pipeline(_on_push({"branches": {"includes": ["main"]}}, {"tags": {"includes": ["v*"]}}))

    assert starts(pipeline, _branch("main"))
    assert starts(pipeline, Push("acme/churn", "c" * 40, tag="v1"))
    assert not starts(pipeline, Push("acme/churn", "c" * 40, tag="test-v1"))
    assert not starts(pipeline, _branch("v1"))


def test_a_tag_is_heard_by_filters_on_tags_alone() -> None:
    assert not starts(_pipeline(), Push("acme/churn", "c" * 40, tag="main"))
    excluding = _pipeline(_on_push({"tags": {"excludes": ["test-*"]}}))
    assert starts(excluding, Push("acme/churn", "c" * 40, tag="v1"))
    assert not starts(excluding, Push("acme/churn", "c" * 40, tag="test-1"))
