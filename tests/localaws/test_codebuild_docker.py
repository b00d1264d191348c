"""The `docker` of a build: without an engine, and in front of one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from localaws.codebuild import docker_shim
from localaws.codebuild.environment import of_machine
from localaws.home import Home
from tests.localaws.containers_workshop import write_context, write_index
from tests.localaws.local_server import LocalServer, run_command

HOST = "000000000000.dkr.ecr.us-east-1.amazonaws.com"


@dataclass(frozen=True)
class Docker:
    """Runs the program as a build does, each with a home of its own."""

    folder: Path
    endpoint: str

    def __call__(self, *arguments: str, given: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        environment: Mapping[str, str] = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AWS_ENDPOINT_URL": self.endpoint,
            "LOCALAWS_IMAGES": str(self.folder / "images"),
            "LOCALAWS_CACHE": str(self.folder / "cache"),
            **variables,
        }
        return subprocess.run(
            [sys.executable, "-I", str(docker_shim.__file__), *arguments],
            env=environment, input=given, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip


@pytest.fixture
def docker(local_aws: LocalServer, tmp_path: Path) -> Docker:
    return Docker(tmp_path, local_aws.endpoint)


def test_build_login_push_inspect_and_pull_agree_on_the_digest(local_aws: LocalServer, docker: Docker) -> None:
    ecr = local_aws.client("ecr")
    ecr.create_repository(repositoryName="shim/churn")
    image, context = f"{HOST}/shim/churn:1", write_context(docker.folder / "context", "pass")
    assert docker("build", "--tag", "local", "--platform=linux/amd64", str(context)).returncode == 0
    assert docker("tag", "local", image).returncode == 0
    refused = docker("push", image)
    assert (refused.returncode, "no basic auth credentials" in refused.stderr) == (1, True)
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    password = subprocess.run(["base64", "-d"], input=token, capture_output=True, text=True, check=True).stdout
    login = docker("login", "--username", "AWS", "--password-stdin", HOST, given=password.partition(":")[2])
    assert (login.returncode, login.stdout) == (0, "Login Succeeded\n")
    pushed = docker("push", image)
    digest = ecr.describe_images(repositoryName="shim/churn")["imageDetails"][0]["imageDigest"]
    assert f"1: digest: {digest} size: " in pushed.stdout
    shown = docker("inspect", "--format", "{{index .RepoDigests 0}} {{.Id}}", image).stdout
    assert shown == f"{HOST}/shim/churn@{digest} {digest}\n"
    elsewhere = {"LOCALAWS_IMAGES": str(docker.folder / "other"), "LOCALAWS_CACHE": str(docker.folder / "other")}
    assert f"Digest: {digest}" in docker("pull", image, **elsewhere).stdout
    assert docker("image", "inspect", "-f", "{{.Id}}", image, **elsewhere).stdout == f"{digest}\n"


def test_a_wrong_password_is_refused_at_login(docker: Docker) -> None:
    login = docker("login", "-u", "AWS", "--password-stdin", HOST, given="wrong")
    assert (login.returncode, "unauthorized" in login.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "image"], "docker run image needs a container engine, and none answers on this machine"),
        (["build", "--squash", "."], "unrecognized arguments: --squash"),
        (["pull", "docker.io/library/x:1"], "docker.io is not a registry of this local AWS"),
        (["inspect", "no/such:image"], "No such image: no/such:image"),
        (["build", "/nowhere"], "There is no Dockerfile in the build context"),
    ],
)
def test_what_it_cannot_do_it_says_and_fails(arguments: list[str], said: str, docker: Docker) -> None:
    done = docker(*arguments, DOCKER_CONFIG=str(_logged_in_everywhere(docker.folder)))
    assert done.returncode == 1
    assert said in done.stderr


def test_a_dockerfile_that_needs_an_engine_fails_the_build_and_tags_nothing(docker: Docker) -> None:
    context = write_context(docker.folder / "context", "pass", "FROM python\nRUN apt-get update\n")
    done = docker("build", "-t", "broken:1", str(context))
    assert done.returncode == 1
    assert 'Dockerfile line 2: "RUN apt-get update" cannot be honoured without a container engine' in done.stderr
    assert "broken" not in docker("images").stdout


def test_with_an_engine_the_real_docker_is_called_with_the_registry_of_this_server(docker: Docker) -> None:
    real, front = docker.folder / "real", docker.folder / "front"
    for folder, words in ((real, 'echo real "$@"'), (front, "echo front")):
        folder.mkdir()
        (folder / "docker").write_text(f"#!/bin/sh\n{words}\n", encoding="utf-8")
        (folder / "docker").chmod(0o755)
    done = docker(
        "push",
        f"{HOST}/churn:1",
        LOCALAWS_ENGINE="docker",
        LOCALAWS_TOOLS=str(front),
        PATH=f"{front}:{real}:/usr/bin:/bin",
    )
    assert done.stdout == f"real push {docker.endpoint.removeprefix('http://')}/churn:1\n"


def _logged_in_everywhere(folder: Path) -> Path:
    configuration = folder / "configuration"
    configuration.mkdir(exist_ok=True)
    (configuration / "config.json").write_text('{"auths": {"docker.io": {"auth": "eDp5"}}}', encoding="utf-8")
    return configuration


def test_what_was_warmed_is_not_installed_again_by_a_build(docker: Docker) -> None:
    dockerfile = "FROM python:3.13\nRUN pip install --index-url {} answer\nCOPY train.py ./\n"
    dockerfile = dockerfile.format(write_index(docker.folder / "index"))
    context = write_context(docker.folder / "context", "pass", dockerfile)
    cache = docker.folder / "cache"
    assert "installed." in run_command("warm", str(context), "--cache", str(cache))
    assert len(list((cache / "layers").iterdir())) == 3
    of_builds = of_machine(Home(docker.folder), [docker.folder], docker.folder, "")
    built = docker("build", str(context), **{name: of_builds[name] for name in of_builds if name.startswith("PIP_")})
    assert "from the cache." in built.stdout, built.stderr
    assert docker("images").stdout.count("\n") == 1
