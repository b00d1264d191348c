"""The programs that stand first on a build's PATH, because CodeBuild's image has them and a laptop may not."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from localaws.codebuild import docker_shim
from localaws.containers.dependencies import host_python

_BUILD_TOOLS = "LOCALAWS_BUILD_TOOLS"


def prepare(folder: Path) -> None:
    """Fill a folder with docker, python and aws; called for every build, cheap the second time."""
    folder.mkdir(parents=True, exist_ok=True)
    shim = Path(docker_shim.__file__).resolve()
    root = shim.parents[2]
    _write(folder / "docker", f'#!/bin/sh\nexec {shlex.join([sys.executable, "-I", str(shim)])} "$@"\n')
    for name in ("python", "python3"):
        _link(folder / name, host_python())
    aws = Path(os.environ.get(_BUILD_TOOLS, root / ".tools" / "codebuild")) / "bin" / "aws"
    if aws.exists():
        _link(folder / "aws", aws)


def _write(path: Path, content: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8") == content:
        return
    staging = path.with_suffix(f".{os.getpid()}")
    staging.write_text(content, encoding="utf-8")
    staging.chmod(0o755)
    staging.rename(path)


def _link(path: Path, target: Path) -> None:
    if path.is_symlink() and path.readlink() == target:
        return
    path.unlink(missing_ok=True)
    path.symlink_to(target)
