"""Images that were built here: blobs by digest, manifests by name, as an engine's local image store has them.

Names are each server's own; blobs may be shared, since a digest names the same bytes everywhere.

Follows https://github.com/opencontainers/image-spec/blob/main/manifest.md.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from localaws.containers.dockerfile import BuildError
from localaws.containers.layers import CHUNK, MEDIA_TYPE, Entry, HashingWriter, write_layer

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Blob:
    """A descriptor, as manifests hold it."""

    digest: str
    size: int

    def described(self, media_type: str) -> dict[str, Any]:
        return {"mediaType": media_type, "digest": self.digest, "size": self.size}


@dataclass(frozen=True)
class BuiltImage:
    """An image of the store: its manifest's bytes, and what the manifest refers to."""

    manifest: bytes
    config: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """The digest under which the registry will know it."""
        return f"sha256:{hashlib.sha256(self.manifest).hexdigest()}"

    @property
    def blobs(self) -> list[str]:
        """Digests of all that a push must bring: the config, then the layers."""
        manifest = json.loads(self.manifest)
        return [manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]


class ImageStore:
    """Images, their names below one folder and their blobs below another; safe for several processes at once."""

    def __init__(self, names: Path, blobs: Path) -> None:
        self._names_file = names / "names.json"
        self._blobs = blobs
        for folder in (names, blobs):
            folder.mkdir(parents=True, exist_ok=True)

    def blob(self, digest: str) -> Path:
        """Return the file of a blob, which need not exist."""
        return self._blobs / digest.removeprefix("sha256:")

    def holds(self, blob: Blob) -> bool:
        """Return whether a blob is there, as far as its size tells."""
        file = self.blob(blob.digest)
        return file.exists() and file.stat().st_size == blob.size

    def add_layer(self, entries: Iterable[Entry]) -> Blob:
        return self._add(lambda out: write_layer(entries, out))

    def add_bytes(self, content: bytes) -> Blob:
        return self._add(lambda out: out.write(content))

    def add_stream(self, source: IO[bytes], digest: str) -> None:
        """Keep a blob that comes from elsewhere; raise BuildError unless it has its digest."""
        added = self._add(lambda out: shutil.copyfileobj(source, cast("IO[bytes]", out), CHUNK))
        if added.digest != digest:
            raise BuildError(
                f"The registry's bytes for {digest} have the digest {added.digest}: build the image again."
            )

    def _add(self, write: Callable[[HashingWriter], object]) -> Blob:
        handle, name = tempfile.mkstemp(prefix=".writing-", dir=self._blobs)
        unfinished = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                out = HashingWriter(file)
                write(out)
            unfinished.rename(self.blob(out.digest))
        finally:
            unfinished.unlink(missing_ok=True)
        return Blob(out.digest, out.size)

    def add_image(self, config: Mapping[str, Any], layers: list[Blob], history: list[str]) -> BuiltImage:
        """Compose an image of layers (lowest first); the same input gives the same bytes."""
        machine = platform.machine()
        document = {
            "created": "1970-01-01T00:00:00Z",
            "architecture": _MACHINES.get(machine, machine),
            "os": platform.system().lower(),
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
            "history": [{"created_by": line, "empty_layer": True} for line in history],
        }
        stored = self.add_bytes(_canonical(document))
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": stored.described(CONFIG_TYPE),
            "layers": [layer.described(MEDIA_TYPE) for layer in layers],
        }
        content = _canonical(manifest)
        self.add_bytes(content)
        return BuiltImage(content, document)

    def tag(self, name: str, digest: str) -> None:
        """Let a name (repository:tag) stand for an image."""
        with self._names() as names:
            names[name] = digest

    def names(self) -> dict[str, str]:
        """Return the digest of each name."""
        with self._names() as names:
            return dict(names)

    def image(self, name: str) -> BuiltImage:
        """Return an image by name or by digest, whole or its beginning; raise BuildError if there is none."""
        names = self.names()
        wanted = names.get(name, name).removeprefix("sha256:")
        matching = {digest for digest in names.values() if digest.removeprefix("sha256:").startswith(wanted)}
        if len(wanted) < 12 or len(matching) != 1:
            raise BuildError(f"No such image: {name}. Build or tag it first.")
        manifest = self.blob(matching.pop()).read_bytes()
        config = self.blob(json.loads(manifest)["config"]["digest"]).read_bytes()
        return BuiltImage(manifest, cast("dict[str, Any]", json.loads(config)))

    @contextmanager
    def _names(self) -> Iterator[dict[str, str]]:
        """Hold the names, alone, and write them back if they changed."""
        with self._names_file.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            names: dict[str, str] = json.loads(file.read() or "{}")
            before = dict(names)
            yield names
            if names != before:
                file.truncate(0)
                json.dump(names, file, indent=1, sort_keys=True)


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
