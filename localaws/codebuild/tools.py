"""The programs that stand first on a build's PATH, because CodeBuild's image has them and a laptop may not.

https://docs.aws.amazon.com/codebuild/latest/userguide/available-runtimes.html
"""

from __future__ import annotations

import os
import shlex
import sys
import sysconfig
import threading
import venv
from pathlib import Path

from localaws.codebuild import docker_shim

_BUILD_TOOLS = "LOCALAWS_BUILD_TOOLS"
_FILLING = threading.Lock()


def prepare(folder: Path) -> None:
    """Fill a folder with docker, aws and pip, and one for Python to find pip in; cheap the second time.

    Builds that begin at once fill the same folder: one waits for the other.
    """
    with _FILLING:
        _fill(folder)


def _fill(folder: Path) -> None:
    packages(folder).mkdir(parents=True, exist_ok=True)
    shim = Path(docker_shim.__file__).resolve()
    _write(folder / "docker", f'#!/bin/sh\nexec {shlex.join([sys.executable, "-I", str(shim)])} "$@"\n')
    for name in ("pip", "pip3"):
        _write(folder / name, '#!/bin/sh\nexec python3 -m pip "$@"\n')
    installed = Path(os.environ.get(_BUILD_TOOLS, shim.parents[2] / ".tools" / "codebuild"))
    library = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(installed)}))
    for link, target in ((folder / "aws", installed / "bin" / "aws"), (packages(folder) / "pip", library / "pip")):
        if target.exists():
            _link(link, target)


def packages(folder: Path) -> Path:
    """What a build's Python can import beside the standard library."""
    return folder / "packages"


def make_python(environment: Path, folder: Path) -> Path:
    """Give a build a Python of its own, of this machine's version, so that it may install what it likes.

    Returns the folder of its programs. pip comes from `folder`: bringing one's own takes seconds.
    """
    venv.create(environment, symlinks=True)
    paths = {"base": str(environment)}
    library = Path(sysconfig.get_path("purelib", "venv", vars=paths))
    (library / "image.pth").write_text(f"{packages(folder)}\n", encoding="utf-8")
    return Path(sysconfig.get_path("scripts", "venv", vars=paths))


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
