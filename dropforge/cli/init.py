"""`dropforge init`: a data scientist's repository to start from, out of the examples."""

from __future__ import annotations

import re
import shutil
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from dropforge.cli.command import Session, command
from dropforge.cli.exits import CommandError

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
FILES = (
    ".gitignore",
    "Dockerfile",
    "README.md",
    "dropforge.yaml",
    "make_data.py",
    "requirements.in",
    "requirements.txt",
    "train.py",
)


class Example(Enum):
    DIGITS = "digits"
    CANCER = "cancer"


@command
def init(
    session: Session,
    folder: Annotated[Path, typer.Argument(help="Where; made if it is not there.")] = Path(),
    example: Annotated[Example, typer.Option(help="Which example to start from.")] = Example.DIGITS,
    instance_type: Annotated[str, typer.Option(help="The instance type to train on.")] = "ml.m5.large",
    max_runtime_minutes: Annotated[int, typer.Option(help="The longest that training may take.", min=1)] = 10,
) -> None:
    """Scaffold a data scientist's repository.

    A program, the image that it runs in, its data, and its dropforge.yaml. Nothing that is there
    already is overwritten.

    For example:
        dropforge init my-model
        dropforge init my-model --example cancer --instance-type ml.c5.xlarge
    """
    source = EXAMPLES / example.value
    if not source.is_dir():
        raise CommandError(f"The examples are not in {EXAMPLES}: run dropforge from a clone of its repository.")
    there = [name for name in FILES if (folder / name).exists()]
    if there:
        raise CommandError(f"{folder} has {', '.join(there)} already: name a folder without, or move them away.")
    spec = _filled(source / "dropforge.yaml", instance_type, max_runtime_minutes)
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        shutil.copyfile(source / name, folder / name)
    (folder / "dropforge.yaml").write_bytes(spec)
    if session.console.as_json:
        session.console.document({"folder": str(folder), "files": list(FILES)})
    else:
        session.console.line(f"Wrote {', '.join(FILES)} to {folder}.")
        session.console.note("Next: git init, commit, and push to the branch that ops named for your project.")


def _filled(template: Path, instance_type: str, max_runtime_minutes: int) -> bytes:
    """The example's dropforge.yaml with these values, checked."""
    from dropforge.documents import source as document  # noqa: PLC0415  (pydantic is slow to import)
    from dropforge.documents.training_spec import VERBATIM, training_spec  # noqa: PLC0415

    text = template.read_text("utf-8")
    for name, value in (("instance_type", instance_type), ("max_runtime_minutes", max_runtime_minutes)):
        text = re.sub(rf"^( +{name}:).*$", rf"\1 {value}", text, count=1, flags=re.MULTILINE)
    training_spec(document.parse(text.encode(), "dropforge.yaml", VERBATIM))
    return text.encode()
