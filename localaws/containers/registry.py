"""Pushes and pulls over the registry protocol of this server's ECR, as the role whose token is given.

Every byte that is pulled is compared with its digest, every time: what runs is what the digest names, or nothing.
https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html
"""

from __future__ import annotations

import http.client
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

from localaws.containers.dockerfile import BuildError
from localaws.containers.image import HOST_BASED, PulledImage, image_config
from localaws.containers.layers import HashingReader, ImageRefusedError, unpack
from localaws.containers.store import MANIFEST_TYPE, BuiltImage, ImageStore

if TYPE_CHECKING:  # botocore takes a while to import, and the programs of a build do without
    from localaws.caller import Caller, Role
    from localaws.home import Home

_PART = 8 << 20
_DIGEST = re.compile("sha256:[0-9a-f]{64}")
_ACCEPT = f"{MANIFEST_TYPE}, application/vnd.docker.distribution.manifest.v2+json"


class RegistryError(BuildError):
    """The registry refused; the message is the registry's own."""


@dataclass(frozen=True)
class ImageReference:
    """`<host>/<repository>` with a tag or a digest."""

    host: str
    repository: str
    reference: str

    @classmethod
    def parse(cls, text: str) -> ImageReference:
        """Read an image URI; without tag or digest it means `latest`, as for docker."""
        host, separator, rest = text.partition("/")
        if not separator or "." not in host:
            raise RegistryError(f"{text} names no registry: write <account>.dkr.ecr.<region>.amazonaws.com/{text}.")
        repository, at, digest = rest.partition("@")
        name, _, tag = repository.partition(":")
        return cls(host, name, digest if at else tag or "latest")

    @property
    def path(self) -> str:
        return f"/v2/{self.repository}/manifests/{self.reference}"


class Registry:
    """The registry at an endpoint (`http://127.0.0.1:4566`), for the bearer of a token.

    The token is the base64 text that GetAuthorizationToken returns and that docker keeps in its configuration.
    """

    def __init__(self, endpoint: str, token: str) -> None:
        self._address = urlsplit(endpoint).netloc
        self._headers = {"Authorization": f"Basic {token}"}

    def check(self) -> None:
        """Raise RegistryError if the token is not accepted, as `docker login` finds out."""
        with self._request("GET", "/v2/"):
            pass

    def push(self, image: BuiltImage, store: ImageStore, target: ImageReference) -> None:
        """Upload what the repository lacks, then the manifest; the registry checks each digest."""
        for digest in image.blobs:
            if not self._has(f"/v2/{target.repository}/blobs/{digest}"):
                self._upload(target.repository, digest, store.blob(digest))
        with self._request("PUT", target.path, image.manifest, {"Content-Type": MANIFEST_TYPE}) as answer:
            answer.read()

    def fetch(self, source: ImageReference, store: ImageStore) -> str:
        """Bring an image into a store, as `docker pull` does; return its digest."""
        content = self.manifest(source)
        manifest = json.loads(content)
        for descriptor in (manifest["config"], *manifest["layers"]):
            if not store.blob(descriptor["digest"]).exists():
                with self.blob(source.repository, descriptor["digest"]) as blob:
                    store.add_stream(blob, descriptor["digest"])
        return store.add_bytes(content).digest

    def manifest(self, image: ImageReference) -> bytes:
        """Return a manifest's bytes; with a digest, raise ImageRefusedError unless they have it."""
        with self._request("GET", image.path, headers={"Accept": _ACCEPT}) as answer:
            content = answer.read()
        return _verified(io.BytesIO(content), image.reference) if _DIGEST.fullmatch(image.reference) else content

    @contextmanager
    def blob(self, repository: str, digest: str) -> Iterator[IO[bytes]]:
        """Open a blob for reading; what it is worth, `HashingReader` tells."""
        with self._request("GET", f"/v2/{repository}/blobs/{digest}") as answer:
            yield answer

    def _has(self, path: str) -> bool:
        try:
            with self._request("HEAD", path) as answer:
                answer.read()
        except _AbsentError:
            return False
        return True

    def _upload(self, repository: str, digest: str, file: Path) -> None:
        with self._request("POST", f"/v2/{repository}/blobs/uploads/") as answer:
            location = answer.headers["Location"]
        with file.open("rb") as source:
            while part := source.read(_PART):
                with self._request("PATCH", location, part) as answer:
                    location = answer.headers["Location"]
        with self._request("PUT", f"{location}?digest={digest}", b""):
            pass

    @contextmanager
    def _request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(self._address, timeout=60)
        try:
            connection.request(method, path, body, {**self._headers, **(headers or {})})
            answer = connection.getresponse()
            if answer.status == 404 and method == "HEAD":
                raise _AbsentError(path)
            if answer.status >= 400:
                raise RegistryError(_reason(method, path, answer))
            yield answer
        except OSError as error:
            raise RegistryError(f"The registry at {self._address} cannot be reached ({error}).") from error
        finally:
            connection.close()


class _AbsentError(RegistryError):
    """HEAD found nothing."""


def _reason(method: str, path: str, answer: http.client.HTTPResponse) -> str:
    content = answer.read()
    try:
        errors = json.loads(content)["errors"]
        return "; ".join(f"{error['code'].lower().replace('_', ' ')}: {error['message']}" for error in errors)
    except (ValueError, KeyError, TypeError):
        refused = "denied: the role's policies do not allow" if answer.status == 403 else f"HTTP {answer.status} for"
        return f"{refused} {method} {path}"


def pull(puller: Caller | Role, image_uri: str, home: Home) -> PulledImage:
    """Pull an image by digest as a role or as the root user, verify every byte, and unpack what was not unpacked yet.

    Raises ImageRefusedError if a byte differs from its digest or the image cannot be unpacked safely, and RegistryError
    if the role may not pull, or the image is not there. Safe to call for one image from several threads at once.
    """
    wanted = ImageReference.parse(image_uri)
    if not _DIGEST.fullmatch(wanted.reference):
        raise ImageRefusedError(f"{image_uri} is not named by digest: a tag may move, a digest cannot.")
    token = puller.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    registry = Registry(puller.endpoint, token)
    manifest = json.loads(registry.manifest(wanted))
    with registry.blob(wanted.repository, manifest["config"]["digest"]) as source:
        config = image_config(_verified(source, manifest["config"]["digest"]))
    host_based = (config.get("Labels") or {}).get(HOST_BASED) == "true"
    digests = [layer["digest"] for layer in manifest["layers"]] if host_based else []
    layers = tuple(_layer(registry, wanted, digest, home) for digest in digests)
    local = f"{urlsplit(puller.endpoint).netloc}/{wanted.repository}@{wanted.reference}"
    return PulledImage(wanted.reference, config, layers, local, token)


def layer_folder(home: Home, digest: str) -> Path:
    """Return where a layer is unpacked, or will be."""
    return home.cache / "layers" / digest.removeprefix("sha256:")


def _layer(registry: Registry, image: ImageReference, digest: str, home: Home) -> Path:
    """Verify a layer's bytes in the registry, and return the folder in which it is unpacked."""
    folder = layer_folder(home, digest)
    with registry.blob(image.repository, digest) as source:
        if folder.exists():
            HashingReader(source).compare(digest)
        else:
            unpack(source, digest, folder)
    return folder


def _verified(source: IO[bytes], digest: str) -> bytes:
    content = source.read()
    HashingReader(io.BytesIO(content)).compare(digest)
    return content
