"""What a program left in its folders, read without following a link out of them.

The program may be isolated; the server, which reads after it, is not: a link that leads nowhere for the program may
lead to the keys of this machine's user here. So a name is opened from the folder that holds it, never through a link:
https://man7.org/linux/man-pages/man2/openat.2.html
"""

from __future__ import annotations

import errno
import os
import posixpath
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from localaws.sagemaker.channels import JobError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # not to wait for whoever writes to a pipe
_NOT_ONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO})
"""What is asked for is not there, or is something else."""


@dataclass(frozen=True)
class Leaving:
    """A file, folder or link, good until the next one is asked for; `path` is relative to the folder walked."""

    folder: int
    path: str
    status: os.stat_result

    @property
    def kind(self) -> int:
        """One of `stat.S_IFREG`, `S_IFDIR`, `S_IFLNK` and so on."""
        return stat.S_IFMT(self.status.st_mode)

    def target(self) -> str:
        """Return where a link leads, as it was written."""
        with _inside(self.folder, posixpath.dirname(self.path)) as folder:
            return os.readlink(posixpath.basename(self.path), dir_fd=folder)

    def open(self) -> BinaryIO | None:
        """Open the file, or the one of the same folder to which a link leads; None where there is none any more."""
        if self.kind != stat.S_IFLNK:
            return _opened(self.folder, self.path)
        try:
            target = posixpath.join(posixpath.dirname(self.path), self.target())
        except OSError as error:
            _pass_if_gone(error)
            return None
        return _opened(self.folder, posixpath.normpath(target))


@dataclass(frozen=True)
class Leavings:
    """All below one folder, in the order of its paths. The program may replace all but `root`."""

    root: Path
    below: str

    def __iter__(self) -> Iterator[Leaving]:
        """Pass over what goes meanwhile. JobError where something else took the folder's place."""
        with self._folder() as folder:
            left = _names(folder, "")
            while left:
                path = left.pop()
                try:
                    status = _status(folder, path)
                    left += _names(folder, path) if stat.S_ISDIR(status.st_mode) else []
                except OSError as error:
                    _pass_if_gone(error)
                    continue
                yield Leaving(folder, path, status)

    def read(self, name: str, limit: int) -> bytes:
        """Return the first `limit` bytes of a file; none where there is no such file."""
        with self._folder() as folder:
            file = _opened(folder, name)
            if file is None:
                return b""
            with file:
                return file.read(limit)

    @contextmanager
    def _folder(self) -> Iterator[int]:
        with _held(os.open(self.root, _FOLDER)) as root:
            try:
                folder = _descend(root, self.below)
            except OSError as error:
                _pass_if_gone(error)
                raise JobError(
                    f"AlgorithmError: /opt/ml/{self.below} is no longer a folder: write into the one that the job is "
                    "given, and neither remove it nor put a link in its place."
                ) from error
        with _held(folder):
            yield folder


def _names(folder: int, path: str) -> list[str]:
    """Return the paths of what lies in a folder, the last one first."""
    with _inside(folder, path) as inner, os.scandir(inner) as entries:
        return sorted((posixpath.join(path, entry.name) for entry in entries), reverse=True)


def _status(folder: int, path: str) -> os.stat_result:
    with _inside(folder, posixpath.dirname(path)) as inner:
        return os.stat(posixpath.basename(path), dir_fd=inner, follow_symlinks=False)


def _opened(folder: int, path: str) -> BinaryIO | None:
    """Open a file; None where the path leads out of the folder, or to no file."""
    if path.startswith(("/", "../")):
        return None
    try:
        with _inside(folder, posixpath.dirname(path)) as inner:
            file = os.open(posixpath.basename(path), _FILE, dir_fd=inner)
    except OSError as error:
        _pass_if_gone(error)
        return None
    if stat.S_ISREG(os.fstat(file).st_mode):
        return os.fdopen(file, "rb")
    os.close(file)
    return None


def _pass_if_gone(error: OSError) -> None:
    """Raise the error unless it says that something is not there, or is not what was asked for."""
    if error.errno not in _NOT_ONE:
        raise error


@contextmanager
def _inside(folder: int, path: str) -> Iterator[int]:
    with _held(_descend(folder, path)) as inner:
        yield inner


def _descend(folder: int, path: str) -> int:
    """Open a folder below another, one name after the other."""
    here = os.dup(folder)
    for name in filter(None, path.split("/")):
        with _held(here):
            here = os.open(name, _FOLDER, dir_fd=here)
    return here


@contextmanager
def _held(descriptor: int) -> Iterator[int]:
    """Close a descriptor at the end."""
    try:
        yield descriptor
    finally:
        os.close(descriptor)
