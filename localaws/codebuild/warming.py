"""Does ahead of time what makes a first build and a first job slow: it installs what an image needs, and unpacks it."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from localaws.codebuild import docker_shim
from localaws.codebuild.environment import of_machine
from localaws.containers.dockerfile import BuildError
from localaws.containers.layers import unpack
from localaws.containers.registry import layer_folder
from localaws.containers.store import ImageStore
from localaws.home import Home


def warm(context: Path, cache: Path, python: str) -> str:
    """Build the image of a folder with a Dockerfile as a build does, for what it leaves in the cache.

    Returns what `docker build` says; raises BuildError with its complaint.
    """
    with tempfile.TemporaryDirectory(prefix="localaws-") as name:
        home = Home(Path(name), cache)
        built = Path(name) / "image"
        command = [python, "-I", docker_shim.__file__, "build", "--iidfile", str(built), str(context.absolute())]
        done = subprocess.run(
            command,
            env=of_machine(home, [home.builds], home.root, engine=""),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise BuildError(done.stderr.strip().removeprefix("ERROR: "))
        store = ImageStore(home.images, cache / "blobs")
        _config, *layers = store.image(built.read_text(encoding="utf-8")).blobs
        for digest in layers:
            with store.blob(digest).open("rb") as file:
                unpack(file, digest, layer_folder(home, digest))
    return done.stdout
