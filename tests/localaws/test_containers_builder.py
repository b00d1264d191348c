"""Images built without an engine: same input, same digest; dependencies installed once."""

from __future__ import annotations

import io
import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localaws.containers.builder import Builder
from localaws.containers.dockerfile import BuildError
from localaws.containers.launchers.plain import PlainLauncher
from localaws.containers.layers import ImageRefusedError, unpack
from tests.localaws.containers_workshop import Stage, unpacked, write_context, write_index

_WITH_DEPENDENCY = """
    FROM python:3.11-slim
    WORKDIR /opt/program
    COPY requirements.txt ./
    RUN pip install --no-cache-dir --index-url {index} -r requirements.txt
    COPY train.py ./
    ENTRYPOINT ["python", "train.py"]
"""


def test_the_same_input_gives_the_same_digest_wherever_and_whenever_it_is_built(tmp_path: Path) -> None:
    index = write_index(tmp_path / "index")
    first = _context(tmp_path / "one", index)
    second = _context(tmp_path / "two", index)
    for number, file in enumerate(sorted(second.iterdir())):
        os.utime(file, (number, number))
        file.chmod(0o600)
    digests = {
        Builder(tmp_path / name, tmp_path / name).build(path).image.digest
        for name, path in (("a", first), ("b", second))
    }
    assert len(digests) == 1


def test_another_program_gives_another_digest_and_the_same_dependency_layer(tmp_path: Path) -> None:
    index = write_index(tmp_path / "index")
    builder = Builder(tmp_path / "images", tmp_path / "cache")
    first = builder.build(_context(tmp_path / "one", index)).image
    changed = _context(tmp_path / "two", index)
    (changed / "train.py").write_text("print('other')\n", encoding="utf-8")
    second = builder.build(changed).image
    assert first.digest != second.digest
    assert first.blobs[1:3] == second.blobs[1:3]
    assert first.blobs[3] != second.blobs[3]


def test_dependencies_are_installed_once_for_the_same_requirements(tmp_path: Path) -> None:
    index = write_index(tmp_path / "index")
    builder = Builder(tmp_path / "images", tmp_path / "cache")
    context = _context(tmp_path / "context", index)
    assert "installed" in builder.build(context).lines[1]
    (tmp_path / "index" / "simple" / "answer" / "index.html").unlink()  # pip could not install it again
    assert "from the cache" in builder.build(context).lines[1]
    (context / "requirements.txt").write_text("answer==1.0 # changed\n", encoding="utf-8")
    with pytest.raises(BuildError, match=r"No matching distribution found for answer==1\.0"):
        builder.build(context)


def test_installed_modules_and_programs_are_found_by_the_image_s_python(tmp_path: Path) -> None:
    index = write_index(tmp_path / "index")
    builder = Builder(tmp_path / "images", tmp_path / "cache")
    context = _context(tmp_path / "context", index)
    (context / "train.py").write_text("import answer; print(answer.VALUE, answer.__cached__)\n", encoding="utf-8")
    image = unpacked(builder, builder.build(context).image, tmp_path / "unpacked")
    code, output = Stage(PlainLauncher(tmp_path / "tmp"), tmp_path / "runs").run(image)
    assert (code, output.split()[0]) == (0, "42")
    script = (image.merged() / "opt/python/bin/answer").read_text(encoding="utf-8")
    assert script.startswith("#!/opt/python/bin/python\n")
    assert str(tmp_path) not in script


def test_the_requested_base_is_on_record_and_the_image_says_that_it_is_host_based(tmp_path: Path) -> None:
    report = Builder(tmp_path / "images", tmp_path / "cache").build(write_context(tmp_path / "context", "pass"))
    labels = report.image.config["config"]["Labels"]
    assert labels["localaws.host-based"] == "true"
    assert labels["localaws.requested-base"] == "public.ecr.aws/docker/library/python:3.11-slim"
    assert "No container engine" in report.lines[0]


@pytest.mark.parametrize("name", ["../escape", "/absolute", "link/escape"])
def test_an_archive_that_reaches_out_of_its_folder_is_refused_whole(name: str, tmp_path: Path) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as members:
        link = tarfile.TarInfo("link")
        link.type, link.linkname = tarfile.SYMTYPE, str(tmp_path)
        members.addfile(link)
        members.addfile(tarfile.TarInfo(name))
    archive.seek(0)
    with pytest.raises(ImageRefusedError, match="cannot be unpacked safely"):
        unpack(archive, "sha256:0", tmp_path / "layers" / "0")
    assert list((tmp_path / "layers").iterdir()) == []
    assert not (tmp_path / "escape").exists()


def test_a_device_is_refused(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as members:
        device = tarfile.TarInfo("null")
        device.type = tarfile.CHRTYPE
        members.addfile(device)
    archive.seek(0)
    with pytest.raises(ImageRefusedError, match="'null'"):
        unpack(archive, "sha256:0", tmp_path / "layers" / "0")


def _context(folder: Path, index: str) -> Path:
    dockerfile = _WITH_DEPENDENCY.format(index=index)
    return write_context(folder, "print('hello')", dockerfile, requirements__txt="answer==1.0\n")


def test_servers_with_one_cache_install_once_also_when_both_want_it_at_once(tmp_path: Path) -> None:
    context = _context(tmp_path / "context", write_index(tmp_path / "index"))
    builders = [Builder(tmp_path / name, tmp_path / "cache") for name in ("one", "two")]
    with ThreadPoolExecutor() as threads:
        reports = list(threads.map(lambda builder: builder.build(context), builders))
    assert sorted(report.lines[1].rpartition(", ")[2] for report in reports) == ["from the cache.", "installed."]
    assert reports[0].image.digest == reports[1].image.digest
    builders[0].store.tag("mine:latest", reports[0].image.digest)
    assert "mine:latest" not in builders[1].store.names()


def test_a_dependency_layer_that_lost_bytes_is_made_again(tmp_path: Path) -> None:
    context = _context(tmp_path / "context", write_index(tmp_path / "index"))
    builder = Builder(tmp_path / "images", tmp_path / "cache")
    layer = builder.build(context).image.blobs[2]
    os.truncate(builder.store.blob(layer), 1000)
    again = builder.build(context)
    assert "installed" in again.lines[1]
    assert again.image.blobs[2] == layer
    assert builder.store.blob(layer).stat().st_size > 1000
