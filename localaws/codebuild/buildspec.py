"""Reads a buildspec, version 0.2.

Follows https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html. What is not honoured here (reports,
batches, proxies, run-as) is refused rather than left out, so that a build does not succeed for want of it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

PHASES = ("install", "pre_build", "build", "post_build")
_TOP = frozenset({"version", "env", "phases", "artifacts", "cache"})
_ENVIRONMENT = frozenset({
    "shell", "variables", "parameter-store", "secrets-manager", "exported-variables", "git-credential-helper",
})  # fmt: skip
_PHASE = frozenset({"commands", "finally", "on-failure", "runtime-versions"})
_ARTIFACT = frozenset({"files", "name", "discard-paths", "base-directory", "exclude-paths", "secondary-artifacts"})
_SHELLS = frozenset({"sh", "bash", "/bin/sh", "/bin/bash"})


class BuildspecError(Exception):
    """The buildspec cannot be honoured; the message names the place."""


@dataclass(frozen=True)
class Phase:
    """The commands of one phase; those of `finally` run whether or not the others succeeded."""

    commands: tuple[str, ...] = ()
    finally_commands: tuple[str, ...] = ()
    continue_on_failure: bool | None = None
    runtimes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ArtifactSpec:
    """Which files of the build make an artifact, and how they lie in it."""

    files: tuple[str, ...]
    base: str = "."
    flat: bool = False
    excluded: tuple[str, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class Buildspec:
    """A buildspec whose every member is honoured."""

    phases: Mapping[str, Phase]
    shell: str = "sh"
    variables: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    exported: tuple[str, ...] = ()
    artifact: ArtifactSpec | None = None
    secondary: Mapping[str, ArtifactSpec] = field(default_factory=dict)
    cache_paths: tuple[str, ...] = ()


def read(text: str) -> Buildspec:
    """Return a buildspec; raise BuildspecError for the first member that is wrong or unknown."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BuildspecError(f"the buildspec is not valid YAML: {error}") from error
    top = _members(document, "the buildspec", _TOP)
    if str(top.get("version")) != "0.2":
        raise BuildspecError(f"version is {top.get('version')!r}: write version: 0.2.")
    env = _members(top.get("env"), "env", _ENVIRONMENT)
    phases = _members(top.get("phases"), "phases", frozenset(PHASES))
    if not phases:
        raise BuildspecError("phases has no phase: give build its commands.")
    artifacts = _members(top.get("artifacts"), "artifacts", _ARTIFACT)
    cache = _members(top.get("cache"), "cache", frozenset({"paths"}))
    secondary = artifacts.get("secondary-artifacts") or {}
    return Buildspec(
        phases={name: _phase(name, content) for name, content in phases.items()},
        shell=_shell(env),
        variables=_texts(env.get("variables"), "env/variables"),
        parameters=_texts(env.get("parameter-store"), "env/parameter-store"),
        secrets=_texts(env.get("secrets-manager"), "env/secrets-manager"),
        exported=_list(env.get("exported-variables"), "env/exported-variables"),
        artifact=_artifact("artifacts", artifacts) if artifacts.get("files") else None,
        secondary={name: _artifact(f"artifacts/secondary-artifacts/{name}", spec) for name, spec in secondary.items()},
        cache_paths=_list(cache.get("paths"), "cache/paths"),
    )


def _shell(env: Mapping[str, Any]) -> str:
    shell = str(env.get("shell", "sh"))
    if shell not in _SHELLS:
        raise BuildspecError(f"env/shell is {shell}: the local AWS has sh and bash.")
    return posixpath.basename(shell)


def _phase(name: str, content: Any) -> Phase:
    where = f"phases/{name}"
    members = _members(content, where, _PHASE)
    on_failure = members.get("on-failure")
    if on_failure not in {None, "ABORT", "CONTINUE"}:
        raise BuildspecError(f"{where}/on-failure is {on_failure}: the local AWS has ABORT and CONTINUE.")
    return Phase(
        commands=_list(members.get("commands"), f"{where}/commands"),
        finally_commands=_list(members.get("finally"), f"{where}/finally"),
        continue_on_failure=None if on_failure is None else on_failure == "CONTINUE",
        runtimes=_texts(members.get("runtime-versions"), f"{where}/runtime-versions"),
    )


def _artifact(where: str, content: Any) -> ArtifactSpec:
    members = _members(content, where, _ARTIFACT)
    return ArtifactSpec(
        files=_list(members.get("files"), f"{where}/files"),
        base=str(members.get("base-directory") or "."),
        flat=str(members.get("discard-paths", "no")).lower() in {"yes", "true"},
        excluded=_list(members.get("exclude-paths"), f"{where}/exclude-paths"),
        name=str(members.get("name") or ""),
    )


def _members(content: Any, where: str, known: frozenset[str]) -> Mapping[str, Any]:
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise BuildspecError(f"{where} must be a mapping.")
    unknown = sorted(str(name) for name in content if name not in known)
    if unknown:
        raise BuildspecError(f"{where} has {', '.join(unknown)}, which the local AWS does not honour: remove it.")
    return content


def _list(content: Any, where: str) -> tuple[str, ...]:
    items = [content] if isinstance(content, str) else content or []
    if not isinstance(items, list) or any(isinstance(item, (dict, list)) or item is None for item in items):
        raise BuildspecError(f"{where} must be a list of texts: quote an entry that holds a colon and a space.")
    return tuple(str(item) for item in items)


def _texts(content: Any, where: str) -> Mapping[str, str]:
    if not isinstance(content or {}, dict):
        raise BuildspecError(f"{where} must be a mapping.")
    return {str(name): _text(value) for name, value in (content or {}).items()}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
