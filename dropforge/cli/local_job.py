"""A training job of the working copy on this machine: its `/opt/ml`, and the way in which its program is run.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dropforge.cli.exits import CommandError
from dropforge.domain.sealing import DEFAULT_CHANNEL
from dropforge.domain.training_spec import TrainingSpec

ENGINES = ("docker", "podman")
BASE = "/opt/ml"


@dataclass(frozen=True)
class JobFolder:
    """What the program sees as /opt/ml; `channels` are folders of this machine that it only reads."""

    root: Path
    channels: Mapping[str, Path]

    @classmethod
    def lay_out(cls, root: Path, data: Path, spec: TrainingSpec) -> JobFolder:
        """Each folder of the data is a channel, as it would be below a data prefix; files beside them are `training`.

        CommandError when the spec reads a channel that is not there.
        """
        for folder in ("input/config", "input/data", "model", "output/data", "checkpoints"):
            (root / folder).mkdir(parents=True)
        job = cls(root, dict(_channels(root, data)))
        if missing := sorted(spec.channels.keys() - job.channels.keys()):
            raise CommandError(
                f"dropforge.yaml reads the channel {missing[0]}, and {data} has {', '.join(sorted(job.channels))}: "
                f"make a folder {data / missing[0]} with its files."
            )
        job.configure(spec)
        return job

    def configure(self, spec: TrainingSpec) -> None:
        host = "algo-1"
        inputs = {
            name: {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"} for name in self.channels
        }
        documents = {
            "hyperparameters": dict(spec.hyperparameters),
            "inputdataconfig": inputs,
            "resourceconfig": {
                "current_host": host,
                "hosts": [host],
                "current_instance_type": spec.compute.instance_type,
                "network_interface_name": "eth0",
            },
        }
        for name, document in documents.items():
            (self.root / "input/config" / f"{name}.json").write_text(json.dumps(document), "utf-8")

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def failure(self) -> str:
        """What the program wrote of why it failed; "" when nothing."""
        file = self.root / "output/failure"
        return file.read_text("utf-8", "replace").strip() if file.is_file() else ""


def _channels(root: Path, data: Path) -> Iterator[tuple[str, Path]]:
    folders = [each for each in sorted(data.iterdir()) if each.is_dir()]
    files = [each for each in sorted(data.iterdir()) if each.is_file()]
    if not folders and not files:
        raise CommandError(f"{data} is empty: put the files there that the program is to learn from.")
    yield from ((folder.name, folder.resolve()) for folder in folders)
    if files and not folders:
        yield DEFAULT_CHANNEL, data.resolve()
    elif files and DEFAULT_CHANNEL not in {folder.name for folder in folders}:
        beside = root / "beside"
        beside.mkdir()
        for file in files:
            shutil.copy(file, beside)
        yield DEFAULT_CHANNEL, beside


def engine() -> str | None:
    """The first container engine that answers; that its program is installed means nothing."""
    for name in ENGINES:
        if shutil.which(name) and subprocess.run([name, "info"], capture_output=True, check=False).returncode == 0:
            return name
    return None


def in_container(engine_name: str, program: Path, job: JobFolder, spec: TrainingSpec) -> list[str]:
    """Build the working copy's image; the command that runs it as SageMaker would. CommandError."""
    tag = f"dropforge-local/{re.sub(r'[^a-z0-9]+', '-', program.resolve().name.lower()).strip('-') or 'program'}"
    built = subprocess.run([engine_name, "build", "--tag", tag, str(program)], stdout=sys.stderr, check=False)
    if built.returncode != 0:
        raise CommandError(
            f"{engine_name} could not build {program}: what it says above is what the pipeline would say."
        )
    mounts = [f"{job.root}:{BASE}", *(f"{path}:{BASE}/input/data/{name}:ro" for name, path in job.channels.items())]
    return [
        *(engine_name, "run", "--rm"),
        *(["--network", "none"] if spec.network_isolation else []),
        *(word for mount in mounts for word in ("--volume", mount)),
        *(word for name, value in spec.environment.items() for word in ("--env", f"{name}={value}")),
        *(tag, "train"),
    ]


def on_this_machine(program: Path, job: JobFolder, spec: TrainingSpec) -> list[str]:
    """The command of the Dockerfile's entry point with what is installed here; SM_* variables say where things are."""
    for name, path in job.channels.items():
        (job.root / "input/data" / name).symlink_to(path)
    variables = {
        "SAGEMAKER_BASE_DIR": str(job.root),
        "SM_MODEL_DIR": str(job.model),
        "SM_OUTPUT_DATA_DIR": str(job.root / "output/data"),
        "SM_HPS": json.dumps(dict(spec.hyperparameters)),
        "PYTHONUNBUFFERED": "1",
        **{f"SM_CHANNEL_{name.upper()}": str(path) for name, path in job.channels.items()},
        **spec.environment,
    }
    return ["env", *(f"{name}={value}" for name, value in variables.items()), *_entry_point(program), "train"]


def _entry_point(program: Path) -> list[str]:
    """Paths in the image become the working copy's files of the same name."""
    dockerfile = program / "Dockerfile"
    if not dockerfile.is_file():
        raise CommandError(f"There is no {dockerfile}: `dropforge init` makes one.")
    found = re.findall(r"^\s*ENTRYPOINT\s+(\[.*\])\s*$", dockerfile.read_text("utf-8"), re.MULTILINE | re.IGNORECASE)
    try:
        words = [str(word) for word in json.loads(found[-1])]
    except (IndexError, ValueError) as error:
        raise CommandError(
            f'{dockerfile} has no ENTRYPOINT such as ["python", "/opt/program/train.py"]: write one, or start docker.'
        ) from error
    here = [str(program / Path(word).name) if word.startswith("/") else word for word in words]
    here[0] = here[0] if shutil.which(here[0]) else sys.executable
    return here
