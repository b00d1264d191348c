"""What tests of images share: a small build context, a package index of one wheel, and a way to run what was built."""

from __future__ import annotations

import io
import json
import textwrap
import zipfile
from collections.abc import Mapping
from pathlib import Path

from localaws.containers.builder import Builder
from localaws.containers.container import Container, Launcher, Process
from localaws.containers.image import PulledImage
from localaws.containers.layers import unpack
from localaws.containers.store import BuiltImage


def write_context(folder: Path, program: str, dockerfile: str | None = None, **files: str) -> Path:
    """Write a build context whose program is `train.py`."""
    folder.mkdir(parents=True, exist_ok=True)
    default = """
        FROM public.ecr.aws/docker/library/python:3.11-slim
        WORKDIR /opt/program
        COPY train.py ./
        ENTRYPOINT ["python", "train.py"]
    """
    (folder / "Dockerfile").write_text(textwrap.dedent(dockerfile or default).lstrip(), encoding="utf-8")
    (folder / "train.py").write_text(textwrap.dedent(program), encoding="utf-8")
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(content, encoding="utf-8")
    return folder


def write_index(folder: Path) -> str:
    """Write a package index that has the distribution `answer` 1.0 and nothing else; return its URL."""
    project = folder / "simple" / "answer"
    project.mkdir(parents=True)
    name = "answer-1.0-py3-none-any.whl"
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, content in {
            "answer.py": "VALUE = 42\n\n\ndef main() -> None:\n    print(VALUE)\n",
            "answer-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: answer\nVersion: 1.0\n",
            "answer-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "answer-1.0.dist-info/entry_points.txt": "[console_scripts]\nanswer = answer:main\n",
            "answer-1.0.dist-info/RECORD": "answer.py,,\nanswer-1.0.dist-info/RECORD,,\n",
        }.items():
            archive.writestr(path, content)
    (project / name).write_bytes(wheel.getvalue())
    (project / "index.html").write_text(f'<a href="{name}">{name}</a>', encoding="utf-8")
    return (folder / "simple").as_uri()


def unpacked(builder: Builder, image: BuiltImage, folder: Path) -> PulledImage:
    """Return an image as a pull leaves it, without a registry in between."""
    digests = [layer["digest"] for layer in json.loads(image.manifest)["layers"]]
    for digest in digests:
        with builder.store.blob(digest).open("rb") as file:
            unpack(file, digest, folder / "layers" / digest.removeprefix("sha256:"))
    layers = tuple(folder / "layers" / digest.removeprefix("sha256:") for digest in digests)
    return PulledImage(image.digest, image.config["config"], layers, "")


class Stage:
    """Runs images with one launcher, each program with an /opt/ml of its own."""

    def __init__(self, launcher: Launcher, folder: Path) -> None:
        self.launcher, self._folder, self._runs = launcher, folder, 0

    def start(
        self, image: PulledImage, *, network: bool = True, environment: Mapping[str, str] | None = None
    ) -> tuple[Process, Path]:
        """Start `train`; return the process and the folder that holds `ml` and `output`."""
        self._runs += 1
        run = self._folder / f"run-{self._runs}"
        (run / "ml").mkdir(parents=True)
        variables = {"BASE": "/opt/ml" if self.launcher.private_paths else str(run / "ml"), **(environment or {})}
        container = Container(image, ("train",), variables, {"/opt/ml": run / "ml"}, network)
        with (run / "output").open("wb") as output:
            return self.launcher.start(container, output), run

    def run(self, image: PulledImage, *, network: bool = True) -> tuple[int, str]:
        """Run `train` to its end; return its exit code and what it printed."""
        process, run = self.start(image, network=network)
        code = process.wait(timeout=30)
        return code, (run / "output").read_text(encoding="utf-8")
