"""`dropforge train --local DATA`: the working copy, run here, without any AWS."""

from __future__ import annotations

import re
import subprocess
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from dropforge.cli import wording
from dropforge.cli.command import Session, command
from dropforge.cli.exits import CommandError, UsageError
from dropforge.cli.local_job import JobFolder, engine, in_container, on_this_machine
from dropforge.cli.run import parameter
from dropforge.domain.counting import several
from dropforge.domain.training_spec import MetricPattern


@command
def train(
    session: Session,
    *,
    local: Annotated[
        Path | None, typer.Option("--local", metavar="DATA", help="A folder of data: each folder in it is a channel.")
    ] = None,
    program: Annotated[Path, typer.Option(help="The working copy: Dockerfile and dropforge.yaml.")] = Path(),
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A hyperparameter; may be repeated.")
    ] = None,
    to: Annotated[Path | None, typer.Option(help="Write the model there, as model.tar.gz.")] = None,
) -> None:
    """Run the working copy here, in its container contract, without AWS.

    In its own image where docker or podman answers, as SageMaker would run it. Where none does, the Dockerfile's entry
    point is run with what is installed here, and SM_* variables say where things are; which of the two, is said.
    Nothing is recorded.

    For example:
        dropforge train --local data
        dropforge train --local data --param epochs=5 --to model.tar.gz
    """
    from dropforge.documents.training_spec import FILE_NAME, read_training_spec  # noqa: PLC0415  (pydantic is slow)

    if local is None:
        raise UsageError("Give --local and a folder of data; on AWS, `dropforge run` asks for a run.")
    if not local.is_dir():
        raise CommandError(f"There is no folder {local}: put data there, or name another with --local.")
    spec = read_training_spec(program / FILE_NAME).with_hyperparameters(dict(parameter(each) for each in param or []))
    with TemporaryDirectory(prefix="dropforge-") as folder:
        job = JobFolder.lay_out(Path(folder).resolve(), local, spec)
        ran_in = engine()
        if ran_in is None:
            session.console.note("No docker or podman answers: run with what is installed here, not in the image.")
        words = in_container(ran_in, program, job, spec) if ran_in else on_this_machine(program, job, spec)
        started = time.monotonic()
        code, lines = _run(session, words)
        seconds = time.monotonic() - started
        if code != 0:
            raise CommandError(f"The program ended with {code}. {job.failure}".rstrip())
        files = sorted(str(each.relative_to(job.model)) for each in job.model.rglob("*") if each.is_file())
        if to is not None:
            _pack(job.model, to)
    found = metrics(spec.metrics, lines)
    if session.console.as_json:
        document = {"metrics": found, "seconds": round(seconds, 3), "model": files, "ran_in": ran_in or "this machine"}
        session.console.document(document)
        return
    told = ", ".join(f"{name} {value}" for name, value in found.items()) or "no metric was found in what it printed"
    session.console.line(f"{told}; {several(len(files), 'file')} in the model; {wording.span(seconds)}")


def _run(session: Session, words: Sequence[str]) -> tuple[int, list[str]]:
    """Print what the program prints as it does so; its exit code and its lines. Ctrl-C ends it."""
    say = session.console.note if session.console.as_json else session.console.line
    lines: list[str] = []
    with subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        try:
            for line in process.stdout or ():
                lines.append(line.rstrip("\n"))
                say(lines[-1])
        except KeyboardInterrupt:
            process.terminate()
            raise
    return process.returncode, lines


def metrics(patterns: Sequence[MetricPattern], lines: Sequence[str]) -> dict[str, str]:
    """The last value of each metric, as SageMaker keeps it."""
    found: dict[str, str] = {}
    for line in lines:
        for pattern in patterns:
            match = re.search(pattern.regex, line)
            if match:
                found[pattern.name] = match[1]
    return found


def _pack(model: Path, to: Path) -> None:
    with tarfile.open(to, "w:gz") as archive:
        for each in sorted(model.iterdir()):
            archive.add(each, each.name)
