"""What is in a model archive, so that two can be compared: when it was packed does not count."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

WHOLE = "(the file itself)"


@dataclass(frozen=True)
class Member:
    """`kind` is file, folder, link, …; `content` a file's SHA-256, or where a link leads; `mode` permission bits."""

    kind: str
    mode: int
    content: str


@dataclass(frozen=True)
class ContentDifference:
    """A path that only one of two archives has, or that is not the same in both."""

    path: str
    what: str


def contents(archive: Path) -> Mapping[str, Member]:
    """Each member by its path; of what is no tar archive, the bytes as one member `WHOLE`."""
    if not tarfile.is_tarfile(archive):
        with archive.open("rb") as stream:
            return {WHOLE: Member("file", 0, hashlib.file_digest(stream, "sha256").hexdigest())}
    with tarfile.open(archive) as opened:
        return {_path(each): _member(opened, each) for each in opened}


def differences(original: Mapping[str, Member], other: Mapping[str, Member]) -> Iterator[ContentDifference]:
    """In the order of the paths; none when the content is identical."""
    for path in sorted(original.keys() | other.keys()):
        before, after = original.get(path), other.get(path)
        if before is None:
            yield ContentDifference(path, "is only in the reproduction")
        elif after is None:
            yield ContentDifference(path, "is only in the original")
        elif before.kind != after.kind:
            yield ContentDifference(path, f"is a {before.kind}, and a {after.kind} in the reproduction")
        elif before.content != after.content:
            yield ContentDifference(path, f"has {before.content[:12]}…, and {after.content[:12]}… in the reproduction")
        elif before.mode != after.mode:
            yield ContentDifference(path, f"has mode {before.mode:o}, and {after.mode:o} in the reproduction")


def _path(member: tarfile.TarInfo) -> str:
    return member.name.removeprefix("./").rstrip("/") or "."


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo) -> Member:
    mode = member.mode & 0o7777
    if member.isdir():
        return Member("folder", mode, "")
    stream = archive.extractfile(member) if member.isfile() else None
    if stream is None:
        return Member("link" if member.issym() or member.islnk() else "device", mode, member.linkname)
    return Member("file", mode, hashlib.file_digest(stream, "sha256").hexdigest())  # type: ignore[arg-type]
