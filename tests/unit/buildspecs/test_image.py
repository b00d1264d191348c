"""buildspecs/image.yml executed block by block, as CodeBuild does; `aws` and `docker` are the test's own programs."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from dropforge.domain.image import BuildClaims

ROOT = Path(__file__).resolve().parents[3]
REPOSITORY = "000000000000.dkr.ecr.us-east-1.amazonaws.com/dropforge-test/digits"
VALIDATOR = ("dropforge/__init__.py", "dropforge/documents", "dropforge/domain", "requirements/validator.txt")
ADA = {"GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@example.com"}
COMMITTER = {"GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@example.com", "GIT_CONFIG_GLOBAL": os.devnull}

AWS = """#!/bin/sh
case "$1 $2" in
  "s3 cp") cp "$FOLDER/validator.zip" "$5" ;;
  "ecr get-login-password") echo secret ;;
  "ecr describe-images") [ -n "$TAG_EXISTS" ] && exit 0
    echo "An error occurred (${ECR_SAYS:-ImageNotFoundException}) when calling DescribeImages" >&2; exit 254 ;;
esac
"""
DOCKER = """#!/bin/sh
echo "$*" >> "$FOLDER/docker.calls"
case "$1" in
  login) cat > "$FOLDER/password" ;;
  build) [ -z "$BUILD_SAYS" ] || { echo "step 1"; echo "$BUILD_SAYS"; echo; exit 1; } ;;
esac
"""


@dataclass(frozen=True)
class Built:
    """How a build went: the phase that failed if one did, what was printed, what docker was asked for."""

    failed: str | None
    lines: list[str]
    docker: list[str]


@dataclass(frozen=True)
class Builder:
    """A machine like CodeBuild's, with a data scientist's repository cloned on it."""

    folder: Path

    @property
    def source(self) -> Path:
        return self.folder / "source"

    def git(self, *arguments: str) -> str:
        command = ["git", "-C", str(self.source), *arguments]
        environment = {**os.environ, **ADA, **COMMITTER}
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def build(self, **variables: str) -> Built:
        printed, failed = "", None
        (self.folder / "exported").write_text("")
        for phase, command in self._commands():
            done = self._run(command, variables)
            printed += done.stdout
            if done.returncode:
                failed = phase
                break
        calls = self.folder / "docker.calls"
        return Built(failed, printed.splitlines(), calls.read_text().splitlines() if calls.exists() else [])

    def _commands(self) -> Iterator[tuple[str, str]]:
        spec = yaml.safe_load((ROOT / "buildspecs" / "image.yml").read_text())
        for phase in ("install", "pre_build", "build"):
            yield from ((phase, command) for command in spec["phases"][phase]["commands"])

    def _run(self, command: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """One command in a shell of its own, which begins with what the last one exported."""
        exported = self.folder / "exported"
        script = f". {exported}\n{command}\ncode=$?\nexport -p > {exported}\nexit $code\n"
        environment = {
            "PATH": f"{self.folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder / "home"),
            "FOLDER": str(self.folder),
            "VALIDATOR": "s3://assets/validator.zip",
            "REPOSITORY_URI": REPOSITORY,
            "PROJECT": "digits",
            "COMMIT_ID": self.git("rev-parse", "HEAD"),
            "EXECUTION_ID": "execution",
            "BRANCH_NAME": "main",
            **variables,
        }
        return subprocess.run(
            ["bash", "-c", script], cwd=self.source, env=environment, check=False, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip


@pytest.fixture
def builder(tmp_path: Path) -> Builder:
    """The repository holds the digits example, committed once."""
    builder = Builder(tmp_path)
    for name, content in (("aws", AWS), ("docker", DOCKER)):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(content)
        program.chmod(0o755)
    with zipfile.ZipFile(tmp_path / "validator.zip", "w") as archive:
        for path in map(ROOT.joinpath, VALIDATOR):
            for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
                archive.write(file, file.relative_to(ROOT))
    keep_installed_packages(tmp_path / "home" / ".cache" / "dropforge")
    subprocess.run(["cp", "-r", ROOT / "examples" / "digits", builder.source], check=True)
    builder.git("init", "--quiet", "--initial-branch", "main")
    builder.commit("Learn digits\n\nFor a start.")
    return builder


def keep_installed_packages(cache: Path) -> None:
    """What an earlier build would have kept: here, the packages of this very Python, so that no index is asked."""
    pins = (ROOT / "requirements" / "validator.txt").read_bytes()
    cache.mkdir(parents=True)
    packages = Path(yaml.__file__).parents[1]
    (cache / hashlib.sha256(sys.version.encode() + pins).hexdigest()[:20]).symlink_to(packages)


def test_a_commit_becomes_one_image_and_what_git_says_of_it(builder: Builder) -> None:
    tag = f"{builder.git('rev-parse', 'HEAD')}-execution"
    built = builder.build()
    assert built.failed is None, built.lines
    assert built.docker == [
        "login --username AWS --password-stdin 000000000000.dkr.ecr.us-east-1.amazonaws.com",
        f"build --tag {REPOSITORY}:{tag} .",
        f"push {REPOSITORY}:{tag}",
    ]
    assert (builder.folder / "password").read_text() == "secret\n"
    claims = BuildClaims.from_document(json.loads((builder.source / "image.json").read_text()))
    assert (claims.claimed_author, claims.message) == ("Ada <ada@example.com>", "Learn digits\n\nFor a start.")
    assert f'IMAGE_TAG="{tag}"' in (builder.folder / "exported").read_text()


def test_a_retried_stage_finds_its_tag_and_pushes_nothing(builder: Builder) -> None:
    built = builder.build(TAG_EXISTS="yes")
    assert built.failed is None
    assert built.docker == []
    assert (builder.source / "image.json").exists()


def test_a_validator_is_fetched_once_and_a_newer_one_anew(builder: Builder) -> None:
    assert builder.build().failed is None
    (builder.folder / "validator.zip").unlink()
    assert builder.build().failed is None
    newer = builder.build(VALIDATOR="s3://assets/newer.zip")
    assert newer.failed == "install"
    assert newer.lines[-1].startswith("The validator could not be fetched from s3://assets/newer.zip: ops may have to")


def test_a_broken_dropforge_yaml_fails_before_anything_is_built(builder: Builder) -> None:
    (builder.source / "dropforge.yaml").write_text("compute:\n  instance_typ: ml.m5.large\n")
    builder.commit("Choose an instance")
    built = builder.build()
    said = "dropforge.yaml:2: `instance_typ` is not a field of `compute`; did you mean `instance_type`?"
    assert (built.failed, built.lines[-1], built.docker) == ("pre_build", said, [])


@pytest.mark.parametrize("file", ["Dockerfile", "dropforge.yaml"])
def test_a_missing_file_is_named(builder: Builder, file: str) -> None:
    (builder.source / file).unlink()
    builder.commit("Tidy up")
    built = builder.build()
    assert built.failed == "pre_build"
    assert built.lines[-1].startswith(f"There is no {file} at the top of the repository: add one")


def test_a_failed_docker_build_ends_with_docker_s_own_reason(builder: Builder) -> None:
    built = builder.build(BUILD_SAYS="ERROR: Dockerfile line 3 cannot be honoured")
    assert built.failed == "build"
    assert built.lines[-1] == "The image could not be built: ERROR: Dockerfile line 3 cannot be honoured"
    assert not (builder.source / "image.json").exists()


def test_a_registry_that_refuses_to_answer_is_not_taken_for_one_without_the_image(builder: Builder) -> None:
    built = builder.build(ECR_SAYS="AccessDeniedException")
    assert (built.failed, built.docker) == ("build", [])
    assert "AccessDeniedException" in built.lines[-1]


def test_a_clone_of_another_commit_is_refused(builder: Builder) -> None:
    built = builder.build(COMMIT_ID="0" * 40)
    assert built.failed == "pre_build"
    assert f"but the pipeline builds {'0' * 40}" in built.lines[-1]


def test_a_repository_cannot_slip_its_own_modules_under_the_validator(builder: Builder) -> None:
    for module in ("yaml", "dropforge", "zipfile", "hashlib", "pydantic"):
        (builder.source / f"{module}.py").write_text("raise SystemExit('the repository was imported')\n")
    builder.commit("Try something")
    assert builder.build().failed is None
