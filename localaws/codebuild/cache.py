"""The local custom cache: folders that outlive a build, linked into the next one of the same project.

https://docs.aws.amazon.com/codebuild/latest/userguide/caching-local.html ("uses symbolic links to mount")
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

ROOT_HOME = "/root"
"""Home of the user as whom CodeBuild runs; here it is a folder of the build's own."""


def link(kept: Path, paths: Iterable[str], home: Path, source: Path) -> list[str]:
    """Link each folder of a cache into a build; return what was linked. A glob ends a folder's name."""
    linked = list[str]()
    for path in paths:
        folder = _folder(path)
        target = _here(folder, home, source)
        if target is None or target.is_symlink():
            continue
        store = kept / hashlib.sha256(folder.encode()).hexdigest()[:16]
        store.mkdir(parents=True, exist_ok=True)
        if target.exists():
            shutil.copytree(target, store, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(store)
        linked.append(folder)
    return linked


def _folder(path: str) -> str:
    parts = PurePosixPath(path).parts
    plain = [part for part in parts if part != "."]
    for number, part in enumerate(plain):
        if any(character in part for character in "*?["):
            return str(PurePosixPath(*plain[:number]))
    return str(PurePosixPath(*plain))


def _here(folder: str, home: Path, source: Path) -> Path | None:
    """Return where a cached folder lies in this build: below its home or its source, nowhere else."""
    path = PurePosixPath(folder)
    if ".." in path.parts or folder in {"", ".", "/", ROOT_HOME}:
        return None
    if path.is_relative_to(ROOT_HOME):
        return home / path.relative_to(ROOT_HOME)
    if path.is_absolute():
        return None
    return source / path
