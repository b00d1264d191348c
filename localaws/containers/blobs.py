"""The registry's own disk: blobs by digest, each repository knowing which are its own; never whole in memory.

Follows https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-blobs.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path


class DigestMismatchError(Exception):
    """What was uploaded is not what the client said it would be."""


class RegistryBlobs:
    """Blobs of all repositories below a folder, and uploads in flight, which do not survive a restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._uploads: dict[tuple[str, str], tuple[Path, hashlib._Hash]] = {}
        for name in ("blobs", "repositories", "uploads"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for left in (folder / "uploads").iterdir():
            left.unlink()

    def path(self, repository: str, digest: str) -> Path | None:
        """Return the file of a blob that was pushed to this repository, else None."""
        blob = self._blob(digest)
        return blob if self._link(repository, digest).exists() and blob.exists() else None

    def begin(self, repository: str) -> str:
        """Open an upload; return its id."""
        identity = secrets.token_hex(16)
        self._uploads[repository, identity] = (self._folder / "uploads" / identity, hashlib.sha256())
        return identity

    def append(self, repository: str, identity: str, content: bytes) -> int:
        """Add a part to an upload; return the count of bytes so far. Raises KeyError for an unknown upload."""
        file, digest = self._uploads[repository, identity]
        with file.open("ab") as out:
            out.write(content)
            digest.update(content)
            return out.tell()

    def finish(self, repository: str, identity: str, digest: str) -> None:
        """Keep an upload under its digest; raise DigestMismatchError if it has another, KeyError if it is unknown."""
        file, computed = self._uploads.pop((repository, identity))
        if f"sha256:{computed.hexdigest()}" != digest:
            file.unlink(missing_ok=True)
            raise DigestMismatchError(f"the upload's digest is sha256:{computed.hexdigest()}, not {digest}")
        file.touch()
        file.rename(self._blob(digest))
        link = self._link(repository, digest)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.touch()

    def _blob(self, digest: str) -> Path:
        return self._folder / "blobs" / digest.removeprefix("sha256:")

    def _link(self, repository: str, digest: str) -> Path:
        return self._folder / "repositories" / repository.replace("/", "+") / digest.removeprefix("sha256:")
