"""The folders that become assets: the functions' code with what it needs, and the build's validator.

Both are put together from what is installed and checked in, without a network, and named by the hash of their content,
so that the same tree makes the same asset wherever it is synthesized. Nothing compiled goes in: the functions run on
another Python, on another processor.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from importlib.metadata import Distribution, PackagePath, distribution
from pathlib import Path, PurePosixPath

from dropforge.adapters.clients import AwsClients
from dropforge.settings import PROJECTS_FILE

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LAMBDA_LOCK = ROOT / "requirements" / "lambda.txt"
FUNCTION_CODE = ("lambdas", "dropforge/__init__.py", "dropforge/settings.py", "dropforge/bootstrap.py",
                 "dropforge/domain", "dropforge/workflow", "dropforge/adapters")  # fmt: skip
VALIDATOR_CODE = ("dropforge/__init__.py", "dropforge/documents", "dropforge/domain", "requirements/validator.txt")


_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)
_SERVICE_FOLDER = re.compile(r"^(?:botocore|boto3)/data/([^/]+)/")
_LEFT_OUT = re.compile(
    r"(^|/)__pycache__/|\.pyc$|^boto3/examples/|/examples-1\.json$|/waiters-2\.json$"
    r"|\.dist-info/(?:RECORD|INSTALLER|REQUESTED|direct_url\.json|uv_build\.json|uv_cache\.json)$"
)


class BundleError(Exception):
    """The bundle cannot be put together; the message says what to do."""


def function_bundle(projects: Sequence[Mapping[str, object]], build: Path = BUILD) -> Path:
    """The folder of all functions' code, the pinned distributions and the stage's projects."""
    contents = dict(_installed(LAMBDA_LOCK.read_text("utf-8")))
    contents.update(_sources(FUNCTION_CODE))
    document = json.dumps(projects, sort_keys=True, indent=1).encode()
    return _folder(build / "functions", contents, {PROJECTS_FILE: document})


def validator_bundle(build: Path = BUILD) -> Path:
    """The folder of what a build needs to check `dropforge.yaml`."""
    return _folder(build / "validator", dict(_sources(VALIDATOR_CODE)), {})


@cache
def services() -> frozenset[str]:
    """The AWS services whose models the bundle carries: those of which the adapters make clients."""
    return frozenset(name for name, member in vars(AwsClients).items() if isinstance(member, cached_property)) - {
        "session"
    }


def _sources(paths: Sequence[str]) -> Iterator[tuple[str, Path]]:
    for path in paths:
        found = ROOT / path
        files = sorted(found.rglob("*.py")) if found.is_dir() else [found]
        for file in files:
            yield file.relative_to(ROOT).as_posix(), file


def _installed(lock: str) -> Iterator[tuple[str, Path]]:
    """Each file of each pinned distribution, at the version of the lock."""
    for name, version in _PIN.findall(lock):
        found = distribution(name)
        if found.version != version:
            raise BundleError(f"{name} {found.version} is installed and the lock has {version}: run `make setup`.")
        for file in _files(found, name):
            if _wanted(file):
                yield file.as_posix(), Path(str(found.locate_file(file)))


def _files(found: Distribution, name: str) -> Sequence[PackagePath]:
    if found.files is None:
        raise BundleError(f"{name} is installed without a record of its files: run `make clean setup`.")
    return found.files


def _wanted(file: PurePosixPath) -> bool:
    path = file.as_posix()
    service = _SERVICE_FOLDER.match(path)
    if path.startswith("../") or _LEFT_OUT.search(path):
        return False
    return service is None or service[1] in services()


def _folder(parent: Path, files: Mapping[str, Path], documents: Mapping[str, bytes]) -> Path:
    """The folder with this content, named by it; made once, and in one step, so that two syntheses may race."""
    contents = {**{path: source.read_bytes() for path, source in files.items()}, **documents}
    digest = hashlib.sha256()
    for path in sorted(contents):
        digest.update(f"{path}\0{len(contents[path])}\0".encode())
        digest.update(contents[path])
    folder = parent / digest.hexdigest()
    if not folder.is_dir():
        parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=parent, prefix="."))
        for path, content in contents.items():
            target = made / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        _put_in_place(made, folder)
    return folder


def _put_in_place(made: Path, folder: Path) -> None:
    made.chmod(0o755)
    try:
        made.replace(folder)
    except OSError:
        if not folder.is_dir():
            raise
        shutil.rmtree(made)
