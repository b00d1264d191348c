"""Which Dockerfiles can be honoured without an engine, and what is said of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from localaws.containers.context import Context
from localaws.containers.dockerfile import DockerfileError
from localaws.containers.pip_arguments import PipFiles
from localaws.containers.plan import Copy, PipInstall, plan


@pytest.mark.parametrize(
    "line",
    [
        "RUN apt-get update",
        "RUN pip install numpy && rm -rf /tmp/x",
        "RUN pip install numpy>=2",
        "RUN python train.py",
        "ADD data.tar.gz /data",
        "COPY --from=builder /a /b",
        "COPY --chown=app:app a /b",
        "COPY a /lib/a",
        "USER app",
        "EXPOSE 80",
        "VOLUME /data",
        "HEALTHCHECK CMD true",
        'SHELL ["/bin/bash", "-c"]',
        "FROM other AS second",
        "RUN <<EOF",
    ],
)
def test_what_needs_an_engine_fails_by_name_and_line(line: str) -> None:
    with pytest.raises(DockerfileError) as refused:
        plan(f"# a comment\nFROM python:3.11\n\n{line}\n", {})
    assert str(refused.value).startswith(f'Dockerfile line 4: "{line.split(maxsplit=1)[0]}')
    assert "works with Docker or Podman running on this machine, and on AWS" in str(refused.value)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("ENV a=b broken", "is not of the form name=value"),
        ('LABEL a="b', "a quote is not closed"),
        ("WORKDIR", "no argument"),
    ],
)
def test_what_no_engine_would_take_is_said_without_naming_an_engine(line: str, why: str) -> None:
    with pytest.raises(DockerfileError, match=why) as refused:
        plan(f"FROM python\n{line}\n", {})
    assert "engine" not in str(refused.value)


def test_variables_continuations_and_both_command_forms_are_read_as_docker_reads_them() -> None:
    wanted = plan(
        "ARG TAG=3.11\nFROM python:${TAG}-slim\nARG NAME=default\nENV BASE=/srv \\\n    QUOTED=\"a b\" RAW='$NAME'\n"
        "WORKDIR $BASE/$NAME\nWORKDIR sub\nLABEL who=${NAME:-nobody}${MISSING:+x}\nENTRYPOINT python train.py\n"
        'CMD ["train"]\n',
        {"NAME": "given", "TAG": "3.12"},
    )
    assert wanted.base == "python:3.12-slim"
    assert wanted.folder == "/srv/given/sub"
    assert wanted.environment["QUOTED"] == "a b"
    assert wanted.environment["RAW"] == "$NAME"
    assert wanted.labels == {"who": "given"}
    assert wanted.entrypoint == ("/bin/sh", "-c", "python train.py")
    assert wanted.command == ("train",)


@pytest.mark.parametrize(
    "option", ["--target=/x", "-e", "git+https://example.invalid/x.git", "./wheel.whl", ".", "--find-links=/x"]
)
def test_pip_options_that_reach_beyond_the_image_are_refused(option: str, tmp_path: Path) -> None:
    step = _pip_step(f"RUN pip install {option}")
    with pytest.raises(DockerfileError, match="engine"):
        PipFiles({}).arguments(step, tmp_path)


def test_a_requirements_file_must_have_been_copied_first(tmp_path: Path) -> None:
    step = _pip_step("RUN pip install -r requirements.txt")
    with pytest.raises(DockerfileError, match=r"/srv/requirements\.txt is not in the image yet: COPY it first"):
        PipFiles({}).arguments(step, tmp_path)


def test_requirements_files_are_followed_to_those_that_they_name(tmp_path: Path) -> None:
    files = PipFiles({"/srv/a.txt": b"-r more/b.txt\nx==1\n", "/srv/more/b.txt": b"y==1\n"})
    arguments = files.arguments(_pip_step("RUN pip install --no-cache-dir -ra.txt"), tmp_path)
    assert arguments == ["-r", f"{tmp_path}/srv/a.txt"]
    assert set(files.read) == {"/srv/a.txt", "/srv/more/b.txt"}


def test_copy_honours_globs_folders_and_dockerignore(tmp_path: Path) -> None:
    for name in ("a.py", "b.py", "notes.md", "pkg/c.py", "pkg/secret/key", "pkg/secret/public"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name, encoding="utf-8")
    (tmp_path / ".dockerignore").write_text("# what stays\n**/secret\n!pkg/secret/public\n*.md\n", encoding="utf-8")
    assert _copied(tmp_path, "COPY *.py /app/") == {"/app/a.py", "/app/b.py"}
    assert _copied(tmp_path, "COPY pkg /app/pkg") == {"/app/pkg/c.py", "/app/pkg/secret/public"}
    assert _copied(tmp_path, "COPY a.py /app") == {"/app"}
    assert _copied(tmp_path, "COPY . .") == {
        "/.dockerignore", "/a.py", "/b.py", "/pkg/c.py", "/pkg/secret/public",
    }  # fmt: skip
    with pytest.raises(DockerfileError, match=r"\.dockerignore leaves it out"):
        _copied(tmp_path, "COPY notes.md /app/")
    with pytest.raises(DockerfileError, match="outside of the build context"):
        _copied(tmp_path, "COPY ../other /app/")


def test_a_link_out_of_the_context_is_not_followed(tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    (tmp_path / "outside").write_text("secret", encoding="utf-8")
    (context / "link").symlink_to(tmp_path / "outside")
    with pytest.raises(DockerfileError, match="outside of the build context"):
        _copied(context, "COPY link /app/link")


def _pip_step(line: str) -> PipInstall:
    step = plan(f"FROM python\nWORKDIR /srv\n{line}\n", {}).steps[0]
    assert isinstance(step, PipInstall)
    return step


def _copied(context: Path, line: str) -> set[str]:
    step = plan(f"FROM python\n{line}\n", {}).steps[0]
    assert isinstance(step, Copy)
    return {entry.name for entry in Context(context).entries(step)}
