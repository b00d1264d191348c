"""Layers of images: deterministic archives, and unpacking that trusts no archive.

Follows https://github.com/opencontainers/image-spec/blob/main/layer.md.
"""

from __future__ import annotations

import hashlib
import io
import os
import posixpath
import shutil
import tarfile
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

MEDIA_TYPE = "application/vnd.oci.image.layer.v1.tar"
CHUNK = 1 << 20


class ImageRefusedError(Exception):
    """An image must not be run; the message says which digest, why, and what to do."""


@dataclass(frozen=True)
class Entry:
    """A file of a layer (bytes, or a file of this machine), or a symbolic link; `name` is absolute in the image."""

    name: str
    mode: int = 0o644
    content: Path | bytes = b""
    link: str = ""


class HashingWriter:
    """Passes bytes on to a file while it computes their SHA-256 and count."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        self.size += len(data)
        return self._out.write(data)

    def tell(self) -> int:
        """Return the count of bytes so far: all that `tarfile` needs besides `write`."""
        return self.size

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"


class HashingReader:
    """Passes bytes on from a stream while it computes their SHA-256."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._hash = hashlib.sha256()

    def read(self, size: int = CHUNK) -> bytes:
        content = self._source.read(size)
        self._hash.update(content)
        return content

    def compare(self, digest: str) -> None:
        """Read to the end; raise ImageRefusedError unless all that was read has the digest."""
        while self.read():
            pass
        found = f"sha256:{self._hash.hexdigest()}"
        if found != digest:
            raise ImageRefusedError(
                f"The registry's bytes for {digest} have the digest {found}: they were changed after the push."
                " Build the image again."
            )


def write_layer(entries: Iterable[Entry], out: HashingWriter) -> None:
    """Write an archive that depends on nothing but names, modes and contents: sorted, time 0, owner 0.

    Of two entries with one name the later wins, as it does in Docker.
    """
    by_name = {entry.name.strip("/"): entry for entry in entries}
    folders = {str(parent) for name in by_name for parent in PurePosixPath(name).parents} - {"."}
    with tarfile.open(fileobj=cast("IO[bytes]", out), mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted({*by_name, *folders}):
            if name in by_name:
                _add(archive, name, by_name[name])
            else:
                member = tarfile.TarInfo(name)
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(member)


def _add(archive: tarfile.TarFile, name: str, entry: Entry) -> None:
    member = tarfile.TarInfo(name)
    member.mode = entry.mode
    if entry.link:
        member.type, member.linkname, member.mode = tarfile.SYMTYPE, entry.link, 0o777
        archive.addfile(member)
    elif isinstance(entry.content, bytes):
        member.size = len(entry.content)
        archive.addfile(member, io.BytesIO(entry.content))
    else:
        with entry.content.open("rb") as file:
            member.size = os.fstat(file.fileno()).st_size
            archive.addfile(member, file)


def unpack(archive: IO[bytes], digest: str, folder: Path) -> None:
    """Unpack one layer into a folder that appears whole and verified, or not at all; it is safe to do so twice at once.

    Refuses (ImageRefusedError) devices, hard links, whiteouts, absolute names and names that lead out of the folder,
    also through a symbolic link of the same layer; and an archive that does not have the digest.
    """
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder.parent))
    try:
        source = HashingReader(archive)
        with tarfile.open(fileobj=cast("IO[bytes]", source), mode="r|*", bufsize=CHUNK) as members:
            members.extraction_filter = _as_checked
            links = set[str]()
            for member in members:
                _check(member, digest, links)
                members.extract(member, staging, set_attrs=not member.isdir())
        source.compare(digest)
        staging.chmod(0o755)
        staging.rename(folder)
    except OSError:
        if not folder.exists():  # else another pull was first
            raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _as_checked(member: tarfile.TarInfo, _folder: str) -> tarfile.TarInfo:
    """Extract a member as `_check` left it: Python's own filters refuse absolute links, which images have."""
    return member


def _check(member: tarfile.TarInfo, digest: str, links: set[str]) -> None:
    """Refuse a member that could reach beyond the folder or that this launcher cannot represent."""
    name = posixpath.normpath(member.name)
    above = [str(parent) for parent in PurePosixPath(name).parents]
    unsafe = name.startswith(("/", "..")) or "\0" in name or any(parent in links for parent in above)
    supported = member.isfile() or member.isdir() or member.issym()
    if unsafe or not supported or posixpath.basename(name).startswith(".wh."):
        raise ImageRefusedError(
            f"Layer {digest} holds {member.name!r}, which cannot be unpacked safely without a container engine:"
            " build the image on this machine, or start Docker or Podman."
        )
    if member.issym():
        links.add(name)
    member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
    member.mode &= 0o777
