"""Bare repositories below Home/git: the local stand-in for GitHub."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from localaws.githost import post_receive
from localaws.githost.git import GitError, git
from localaws.home import Home

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*/[A-Za-z0-9_][A-Za-z0-9_.-]*")
_OBJECT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class RepositoryError(Exception):
    """No such repository, branch or commit; the message says what to do."""


@dataclass(frozen=True)
class Commit:
    """What a repository says of one commit; names and dates are the author's own claims."""

    id: str
    author_name: str
    author_email: str
    author_date: str  # ISO 8601, in UTC, to the second
    committed: int  # seconds since the epoch
    message: str


@dataclass(frozen=True)
class Repository:
    """One bare repository, such as `acme/churn`."""

    name: str
    path: Path

    def branch_head(self, branch: str) -> str:
        """The commit that a branch points at; raises RepositoryError if there is no such branch."""
        found = git(self.path, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads/").decode()
        heads = {name.removeprefix("refs/heads/"): commit for commit, _, name in _columns(found)}
        if branch not in heads:
            have = ", ".join(sorted(heads)) or "none"
            raise RepositoryError(
                f"The repository {self.name} has no branch named {branch} (it has: {have}): push to that branch, or "
                "name another in the pipeline."
            )
        return heads[branch]

    def commit(self, revision: str) -> Commit:
        """The commit that an object id names; a tag's id is followed to its commit."""
        if not _OBJECT_ID.fullmatch(revision):
            raise RepositoryError(f"{revision!r} is no full commit id: give all 40 digits.")
        fields = "%H%x00%an%x00%ae%x00%ad%x00%ct%x00%B"
        try:
            shown = git(
                self.path, "log", "-1", "--date=format-local:%Y-%m-%dT%H:%M:%SZ", f"--format={fields}",
                f"{revision}^{{commit}}", "--",
            )  # fmt: skip
        except GitError as error:
            raise RepositoryError(f"The repository {self.name} has no commit {revision}: push it first.") from error
        identifier, name, email, date, committed, message = shown.decode(errors="replace").split("\0", 5)
        return Commit(identifier, name, email, date, int(committed), message.strip("\n"))

    def archive(self, commit: str) -> bytes:
        """The files of a commit as a zip, without history."""
        return git(self.path, "archive", "--format=zip", self.commit(commit).id)

    def changed_paths(self, old: str | None, new: str) -> tuple[str, ...]:
        """The paths that differ between two commits; without an old one, what the new one adds to the main line."""
        base = old if old is not None and self._has(old) else self._fork_point(new)
        if base is None:
            listed = git(self.path, "ls-tree", "-r", "-z", "--name-only", new, "--")
        else:
            listed = git(self.path, "diff", "--name-only", "--no-renames", "--no-ext-diff", "-z", base, new, "--")
        return tuple(path.decode(errors="replace") for path in listed.split(b"\0") if path)

    def _has(self, commit: str) -> bool:
        try:
            git(self.path, "cat-file", "-e", f"{commit}^{{commit}}")
        except GitError:
            return False
        return True

    def _fork_point(self, commit: str) -> str | None:
        """Where a new branch left the default one; None when it did not, or is the default branch itself."""
        try:
            head = git(self.path, "rev-parse", "--verify", "--end-of-options", "HEAD^{commit}").decode().strip()
            # A new default branch is its own head: everything in it is new.
            created = git(self.path, "for-each-ref", "--format=%(refname)", "refs/heads/").count(b"\n") == 1
            return None if created and head == commit else git(self.path, "merge-base", head, commit).decode().strip()
        except GitError:
            return None


def create(home: Home, name: str) -> Path:
    """Make the bare repository `owner/name`, or refresh the hook of the one that is there; return its path."""
    path = _path(home, name)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        git(None, "init", "--quiet", "--bare", "--initial-branch=main", "--", str(path))
        for setting, value in {
            "receive.fsckObjects": "true",
            "receive.autogc": "false",
            # A build fetches the very commit that its pipeline names, even after the branch has moved on.
            "uploadpack.allowAnySHA1InWant": "true",
        }.items():
            git(path, "config", setting, value)
    home.hook_token()  # the hook reads it, and a server that has not been asked yet has not made it
    _write_hook(home, path)
    return path


def find(home: Home, name: str) -> Repository:
    """The repository `owner/name`; raises RepositoryError if there is none."""
    path = _path(home, name)
    if not path.is_dir():
        raise RepositoryError(
            f"The connection's git host has no repository {name}: create it with "
            f"`python -m localaws git create {name}` and push to it."
        )
    return Repository(name, path)


def clone_url(home: Home, name: str) -> str:
    """The URL from which to clone a repository on this machine."""
    return find(home, name).path.resolve().as_uri()


def _path(home: Home, name: str) -> Path:
    if not _NAME.fullmatch(name) or ".." in name or name.endswith((".git", ".lock")):
        raise RepositoryError(f"{name!r} is no repository name: write it as owner/name, as on GitHub.")
    owner, _, short = name.partition("/")
    return home.git / owner / f"{short}.git"


def _write_hook(home: Home, repository: Path) -> None:
    program = Path(post_receive.__file__).resolve()
    arguments = [sys.executable, "-I", str(program), str(home.root.resolve())]
    hook = repository / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nexec {shlex.join(arguments)}\n", encoding="utf-8")
    hook.chmod(0o755)


def _columns(text: str) -> list[tuple[str, str, str]]:
    return [line.partition(" ") for line in text.splitlines()]
