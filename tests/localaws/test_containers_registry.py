"""Push and pull over the local AWS's ECR: by digest, verified, and only by who may."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from localaws.caller import Caller, Role, ServicePrincipal
from localaws.containers.builder import Builder
from localaws.containers.image import PulledImage
from localaws.containers.launchers.plain import PlainLauncher
from localaws.containers.layers import ImageRefusedError
from localaws.containers.registry import ImageReference, Registry, RegistryError, pull
from localaws.containers.store import BuiltImage
from localaws.home import Home
from tests.localaws.containers_workshop import Stage, write_context
from tests.localaws.local_server import LocalServer

HOST = "000000000000.dkr.ecr.us-east-1.amazonaws.com"
_CODEBUILD = ServicePrincipal("codebuild.amazonaws.com", "arn:aws:codebuild:us-east-1:000000000000:project/any")
_PULL = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_PUSH = (
    "ecr:BatchCheckLayerAvailability", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload",
    "ecr:PutImage",
)  # fmt: skip


class Laptop:
    """A builder, and a home that has pulled nothing yet."""

    def __init__(self, server: LocalServer, folder: Path, repository: str, **settings: Any) -> None:
        self.builder, self.home, self.repository = (
            Builder(folder / "images", folder / "cache"),
            Home(folder / "home"),
            repository,
        )
        self.home.prepare()
        self.folder = folder
        self.caller = Caller(server.endpoint, server.region, server.home.credentials())
        server.client("ecr").create_repository(repositoryName=repository, **settings)

    def build(self, program: str = "print('ran')") -> BuiltImage:
        return self.builder.build(write_context(self.folder / "context", program)).image

    def push(self, image: BuiltImage, tag: str = "one", role: str | None = None) -> None:
        answer = self._as(role).client("ecr").get_authorization_token()
        registry = Registry(self.caller.endpoint, answer["authorizationData"][0]["authorizationToken"])
        registry.push(image, self.builder.store, ImageReference(HOST, self.repository, tag))

    def pull(self, digest: str, role: str | None = None) -> PulledImage:
        return pull(self._as(role), f"{HOST}/{self.repository}@{digest}", self.home)

    def _as(self, role: str | None) -> Caller | Role:
        return self.caller.role(role, "test", _CODEBUILD) if role else self.caller


@pytest.fixture
def laptop(local_aws: LocalServer, tmp_path: Path, request: pytest.FixtureRequest) -> Laptop:
    return Laptop(local_aws, tmp_path, f"reg-{hashlib.sha256(request.node.name.encode()).hexdigest()[:12]}")


def test_the_pushed_digest_is_the_built_one_and_what_is_pulled_by_it_runs(
    local_aws: LocalServer, laptop: Laptop, tmp_path: Path
) -> None:
    image = laptop.build()
    laptop.push(image)
    detail = local_aws.client("ecr").describe_images(repositoryName=laptop.repository)["imageDetails"][0]
    assert detail["imageDigest"] == image.digest
    assert detail["imageTags"] == ["one"]
    assert detail["imageSizeInBytes"] > 1000
    code, output = Stage(PlainLauncher(tmp_path), tmp_path / "runs").run(laptop.pull(image.digest))
    assert (code, output) == (0, "ran\n")


def test_a_byte_of_a_layer_changed_in_the_registry_is_refused_by_name(local_aws: LocalServer, laptop: Laptop) -> None:
    image = laptop.build()
    laptop.push(image)
    layer = image.blobs[-1]
    file = local_aws.home.images / "registry" / "blobs" / layer.removeprefix("sha256:")
    content = bytearray(file.read_bytes())
    position = content.index(b"ran")
    content[position] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(ImageRefusedError, match=f"bytes for {layer} have the digest sha256:"):
        laptop.pull(image.digest)
    content[position] ^= 1
    file.write_bytes(bytes(content))
    laptop.pull(image.digest)
    content[position] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(ImageRefusedError, match=layer):  # although it has been unpacked in the meantime
        laptop.pull(image.digest)


def test_a_tag_is_no_name_to_pull_by(laptop: Laptop) -> None:
    with pytest.raises(ImageRefusedError, match="a tag may move"):
        pull(laptop.caller, f"{HOST}/{laptop.repository}:one", laptop.home)


def test_an_immutable_tag_is_never_pushed_twice_not_even_with_the_same_digest(
    local_aws: LocalServer, tmp_path: Path
) -> None:
    laptop = Laptop(local_aws, tmp_path, "reg-immutable", imageTagMutability="IMMUTABLE")
    image = laptop.build()
    laptop.push(image)
    for again in (image, laptop.build("print('other')")):
        with pytest.raises(RegistryError, match="already exists in the 'reg-immutable' repository"):
            laptop.push(again)
    laptop.push(image, tag="two")


def test_a_manifest_whose_layers_were_not_pushed_is_refused(laptop: Laptop) -> None:
    image = laptop.build()
    token = laptop.caller.client("ecr").get_authorization_token()["authorizationData"][0]["authorizationToken"]
    registry = Registry(laptop.caller.endpoint, token)
    bare = BuiltImage(image.manifest, image.config)
    with (
        pytest.raises(RegistryError, match="manifest blob unknown"),
        registry._request(
            "PUT", ImageReference(HOST, laptop.repository, "one").path, bare.manifest,
            {"Content-Type": "application/vnd.oci.image.manifest.v1+json"},
        ),
    ):  # fmt: skip
        pass


def test_a_deleted_image_can_no_longer_be_pulled(local_aws: LocalServer, laptop: Laptop) -> None:
    image = laptop.build()
    laptop.push(image)
    ecr = local_aws.client("ecr")
    ecr.batch_delete_image(repositoryName=laptop.repository, imageIds=[{"imageDigest": image.digest}])
    with pytest.raises(RegistryError, match="manifest unknown"):
        laptop.pull(image.digest)
    with pytest.raises(ecr.exceptions.ImageNotFoundException):
        ecr.describe_images(repositoryName=laptop.repository, imageIds=[{"imageTag": "one"}])


def test_iam_decides_who_pushes_and_who_pulls(local_aws: LocalServer, laptop: Laptop) -> None:
    arn = f"arn:aws:ecr:us-east-1:000000000000:repository/{laptop.repository}"
    image = laptop.build()
    pusher = _role(local_aws, f"{laptop.repository}-push", _PUSH, arn)
    puller = _role(local_aws, f"{laptop.repository}-pull", _PULL, arn)
    stranger = _role(local_aws, f"{laptop.repository}-other", (*_PUSH, *_PULL), f"{arn}-other")
    for role in (puller, stranger):
        with pytest.raises(RegistryError, match="denied"):
            laptop.push(image, role=role)
    laptop.push(image, role=pusher)
    for role in (pusher, stranger):
        with pytest.raises(RegistryError, match="denied"):
            laptop.pull(image.digest, role)
    assert laptop.pull(image.digest, puller).digest == image.digest


def test_a_token_that_was_not_given_out_is_refused(laptop: Laptop) -> None:
    with pytest.raises(RegistryError, match="unauthorized"):
        Registry(laptop.caller.endpoint, "QVdTOmd1ZXNzZWQ=").check()


def test_two_pulls_at_once_both_have_the_whole_image(laptop: Laptop) -> None:
    image = laptop.build()
    laptop.push(image)
    found = list[PulledImage]()
    threads = [threading.Thread(target=lambda: found.append(laptop.pull(image.digest))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all((pulled.layers[-1] / "opt/program/train.py").exists() for pulled in found)
    assert not list((laptop.home.cache / "layers").glob(".unpacking-*"))


def _role(server: LocalServer, name: str, actions: tuple[str, ...], resource: str) -> str:
    token: Mapping[str, Any] = {"Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"}
    allowed: Mapping[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return server.role(name[:64], "codebuild.amazonaws.com", token, allowed)
