"""The layer of what `RUN pip install` installs: made once for the same requirements, then shared by all builds.

There is no Python in a host-based image: this machine's runs it, from a virtual environment that the image brings.
Only wheels are installed, since building one would run its program outside of any image.
"""

from __future__ import annotations

import base64
import csv
import fcntl
import hashlib
import io
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from localaws.containers.dockerfile import BuildError
from localaws.containers.layers import Entry
from localaws.containers.pip_arguments import PipFiles
from localaws.containers.plan import PYTHON_HOME, PipInstall
from localaws.containers.store import Blob, ImageStore

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
_RECIPE = "2"
"""Changes when this module makes another layer of the same requirements."""


def host_python() -> Path:
    """Return this machine's Python, not that of any virtual environment."""
    return Path(getattr(sys, "_base_executable", "") or sys.executable).resolve()


def interpreter_entries() -> list[Entry]:
    """Return the environment without packages: links to this machine's Python, where images have theirs."""
    python = str(host_python())
    settings = {
        "home": host_python().parent,
        "include-system-site-packages": "false",
        "version": platform.python_version(),
    }
    marker = "".join(f"{name} = {value}\n" for name, value in settings.items())
    names = ("python", "python3", f"python{VERSION}")
    wrapper = f'#!/bin/sh\nexec {PYTHON_HOME}/bin/python "$@"\n'.encode()
    return [
        Entry(f"{PYTHON_HOME}/pyvenv.cfg", content=marker.encode()),
        *(Entry(f"{PYTHON_HOME}/bin/{name}", link=python) for name in names),
        # programs that name the interpreter of the official Python images by path
        *(Entry(f"/usr/local/bin/{name}", mode=0o755, content=wrapper) for name in names[:2]),
    ]


class Dependencies:
    """Makes layers of installed distributions, and keeps them below a folder."""

    def __init__(self, folder: Path, store: ImageStore) -> None:
        self._folder = folder
        self._store = store
        folder.mkdir(parents=True, exist_ok=True)

    def layer(self, steps: list[PipInstall], image: Mapping[str, Path | bytes]) -> tuple[Blob, bool]:
        """Return the layer of one or more `pip install`, and whether it had been made before.

        `image` holds the files of the image, which -r and -c may name. Raises BuildError with pip's last lines.
        """
        files = PipFiles(image)
        placeholder = Path("/files")
        key = self._key([files.arguments(step, placeholder) for step in steps], files)
        with self._lock(key):
            known = self._folder / f"{key}.json"
            if known.exists():
                blob = Blob(**json.loads(known.read_text(encoding="utf-8")))
                if self._store.holds(blob):
                    return blob, True
            blob = self._install(steps, files)
            known.write_text(json.dumps({"digest": blob.digest, "size": blob.size}), encoding="utf-8")
            return blob, False

    def _key(self, arguments: list[list[str]], files: PipFiles) -> str:
        contents = {name: hashlib.sha256(data).hexdigest() for name, data in files.read.items()}
        settings = sorted((name, value) for name, value in os.environ.items() if name.startswith("PIP_"))
        parts = [_RECIPE, arguments, contents, settings, str(host_python()), platform.python_version(),
                 platform.platform(), platform.machine()]  # fmt: skip
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    @contextmanager
    def _lock(self, key: str) -> Iterator[None]:
        """Let one build at a time make a layer; another that wants the same one waits, then finds it."""
        with (self._folder / f"{key}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _install(self, steps: list[PipInstall], files: PipFiles) -> Blob:
        pip = self._pip()
        with tempfile.TemporaryDirectory(prefix=".installing-", dir=self._folder) as temporary:
            inputs, environment = Path(temporary) / "files", Path(temporary) / "environment"
            files.write(inputs)
            _run([str(host_python()), "-I", "-m", "venv", "--without-pip", str(environment)])
            for step in steps:
                arguments = files.arguments(step, inputs)
                _run([str(pip), "-I", "-m", "pip", "--python", str(environment / "bin/python"), "install",
                      "--no-compile", "--only-binary", ":all:", "--disable-pip-version-check", *arguments])  # fmt: skip
            _compile(environment)
            return self._store.add_layer(_installed(environment))

    def _pip(self) -> Path:
        """Return a Python that has a pip which installs for others (`--python`, since 22.3).

        This machine's own, or else one of an environment made at first use from what Python itself bundles.
        """
        question = [str(host_python()), "-I", "-m", "pip", "--version"]
        shown = subprocess.run(question, capture_output=True, text=True, check=False)
        version = re.match(r"pip (\d+)\.(\d+)", shown.stdout)
        if version and (int(version[1]), int(version[2])) >= (22, 3):
            return host_python()
        environment = self._folder / f"pip-{platform.python_version()}"
        with self._lock("pip"):
            if not (environment / "ready").exists():
                _run([str(host_python()), "-I", "-m", "venv", "--clear", str(environment)])
                (environment / "ready").touch()
        return environment / "bin/python"


def _run(command: list[str]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        last = "\n".join(done.stdout.strip().splitlines()[-12:])
        raise BuildError(f"pip install failed with exit code {done.returncode}:\n{last}")


def _compile(environment: Path) -> None:
    """Compile all modules, once for all jobs; marked to be used unchecked, since layers keep no times.

    Measured: `import sklearn` takes 0.8 s with compiled modules and 2.0 s without.
    """
    library = environment / "lib" / f"python{VERSION}"
    command = [str(host_python()), "-I", "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash"]
    names = ["-s", str(environment), "-p", PYTHON_HOME]
    # some distributions ship test files that are no valid Python, on purpose: compileall's verdict says nothing
    subprocess.run([*command, *names, str(library)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def _installed(environment: Path) -> Iterator[Entry]:
    """Yield what pip put into an environment, at the paths that it has in the image."""
    library = environment / "lib" / f"python{VERSION}" / "site-packages"
    skeleton = {"python", "python3", f"python{VERSION}"}
    scripts = [file for file in (environment / "bin").iterdir() if file.name not in skeleton and _is_program(file)]
    moved = {file.name: _moved(file.read_bytes(), environment) for file in scripts}
    for name, content in moved.items():
        yield Entry(f"{PYTHON_HOME}/bin/{name}", mode=0o755, content=content)
    for file in library.rglob("*"):
        if file.is_file():
            name = f"{PYTHON_HOME}/{file.relative_to(environment).as_posix()}"
            mode = 0o755 if os.access(file, os.X_OK) else 0o644
            is_record = file.name == "RECORD" and file.parent.name.endswith(".dist-info")
            yield Entry(name, mode=mode, content=_record(file, moved) if is_record else file)


def _is_program(file: Path) -> bool:
    return file.is_file() and not file.name.lower().startswith("activate")


def _moved(script: bytes, environment: Path) -> bytes:
    """Return a script that starts with the interpreter in the image instead of the one that pip saw.

    Where that one had a long path, pip wrote three lines of shell around it: they go, lest the path's length show.
    """
    if script.startswith(b"#!/bin/sh\n'''exec' "):
        return f"#!{PYTHON_HOME}/bin/python\n".encode() + script.split(b"\n", 3)[3]
    return script.replace(str(environment).encode(), PYTHON_HOME.encode())


def _record(file: Path, moved: Mapping[str, bytes]) -> bytes:
    """Return an installation record whose hashes of moved scripts are right again, in a fixed order."""
    with file.open(encoding="utf-8", newline="") as source:
        rows = list(csv.reader(source))
    for row in rows:
        script = moved.get(Path(row[0]).name) if row[0].startswith("../../../bin/") else None
        if script is not None:
            encoded = base64.urlsafe_b64encode(hashlib.sha256(script).digest()).rstrip(b"=").decode()
            row[1:] = [f"sha256={encoded}", str(len(script))]
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(sorted(rows))
    return out.getvalue().encode()
