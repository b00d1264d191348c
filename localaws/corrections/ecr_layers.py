"""ECR's registry keeps immutable tags, refuses images without their layers, and keeps layers on disk.

The emulator overwrites an immutable tag if the digest is the same, which ECR refuses too; takes a manifest whose layers
were never pushed; serves a manifest that was deleted; mounts layers across repositories, whoever may read them; and
holds every layer in memory, several times while it arrives.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-tag-mutability.html
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ministack.core import responses
from ministack.services import ecr

from localaws.containers.blobs import DigestMismatchError, RegistryBlobs
from localaws.corrections.wrapping import wrap
from localaws.runtime import Runtime

Answer = tuple[int, dict[str, str], Any]
_CHUNK = 1 << 20
_DIGEST = re.compile("sha256:[0-9a-f]{64}")


def install(runtime: Runtime) -> None:
    """Answer for layers, and look at manifests before the emulator does; `registry` has asked who is there."""
    blobs = RegistryBlobs(runtime.home.images / "registry")

    async def answer(original: Callable[..., Awaitable[Answer]], *request: Any) -> Answer:
        method, path, _headers, body, query = request
        verb, name, reference = ecr._parse_v2_path(path) or ("", "", "")
        responses.set_request_region(runtime.region)
        if name not in ecr._repositories:
            return await original(*request)
        if verb == "blob" and method in {"GET", "HEAD"}:
            status, found, body = _blob(blobs, name, reference)
            return (status, found, b"") if method == "HEAD" else (status, found, body)
        if verb in {"blob_uploads", "blob_upload_session"} and method in {"POST", "PATCH", "PUT"}:
            digest = (query.get("digest") or [""])[0]
            return await asyncio.to_thread(_upload, blobs, (name, reference), method, body, digest)
        refusal = _refused(blobs, method, name, reference, body) if verb == "manifest" else None
        return refusal or await original(*request)

    wrap(ecr, "handle_registry_request", answer)


def _refused(blobs: RegistryBlobs, method: str, name: str, reference: str, body: bytes) -> Answer | None:
    """Return why ECR would not take or give a manifest, or None."""
    images = ecr._images.get(name, [])
    known = any(reference in (image["imageDigest"], *image["imageTags"]) for image in images)
    if method in {"GET", "HEAD"}:
        return None if known else _error(404, "MANIFEST_UNKNOWN", f"Requested image not found: {name} {reference}")
    try:
        manifest = json.loads(body)
        wanted = [manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]
    except (ValueError, KeyError, TypeError):
        return _error(400, "MANIFEST_INVALID", "The manifest is not that of one image.")
    missing = [digest for digest in wanted if blobs.path(name, digest) is None]
    if missing:
        return _error(400, "MANIFEST_BLOB_UNKNOWN", f"Layers with digests '{', '.join(missing)}' do not exist.")
    if known and not _DIGEST.fullmatch(reference) and ecr._repositories[name]["imageTagMutability"] == "IMMUTABLE":
        return _error(
            400, "TAG_INVALID", f"The image tag '{reference}' already exists in the '{name}' repository and cannot be "
            "overwritten because the repository is immutable.",
        )  # fmt: skip
    return None


def _blob(blobs: RegistryBlobs, name: str, digest: str) -> Answer:
    file = blobs.path(name, digest) if _DIGEST.fullmatch(digest) else None
    if file is None:
        return _error(404, "BLOB_UNKNOWN", f"{name} has no layer {digest}.")
    headers = {"Content-Length": str(file.stat().st_size), "Docker-Content-Digest": digest}
    return 200, {**headers, "Content-Type": "application/octet-stream"}, responses.StreamingResponse(_sender(file))


def _upload(blobs: RegistryBlobs, upload: tuple[str, str], method: str, body: bytes, digest: str) -> Answer:
    """Perform one step of an upload: POST opens it, PATCH adds to it, PUT adds the rest and closes it."""
    name, identity = upload
    if method == "POST":
        identity = blobs.begin(name)
    try:
        size = blobs.append(name, identity, body)
        if method == "PUT" or digest:
            if not _DIGEST.fullmatch(digest):
                return _error(400, "DIGEST_INVALID", "The digest must be a SHA-256.")
            blobs.finish(name, identity, digest)
            location = {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest}
            return 201, {**location, "Content-Length": "0"}, b""
    except KeyError:
        return _error(404, "BLOB_UPLOAD_UNKNOWN", "There is no such upload: begin it again.")
    except DigestMismatchError as error:
        return _error(400, "DIGEST_INVALID", str(error))
    location = {"Location": f"/v2/{name}/blobs/uploads/{identity}", "Docker-Upload-UUID": identity}
    return 202, {**location, "Range": f"0-{max(0, size - 1)}", "Content-Length": "0"}, b""


def _sender(file: Path) -> Callable[..., Awaitable[None]]:
    async def send_file(send: Callable[[dict[str, Any]], Awaitable[None]], _receive: object) -> None:
        with file.open("rb") as source:
            while content := source.read(_CHUNK):
                await send({"type": "http.response.body", "body": content, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    return send_file


def _error(status: int, code: str, message: str) -> Answer:
    body = json.dumps({"errors": [{"code": code, "message": message, "detail": {}}]}).encode()
    return status, {"Content-Type": "application/json", "Docker-Distribution-Api-Version": "registry/2.0"}, body
