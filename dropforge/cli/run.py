"""`dropforge run PROJECT`: a run without a commit or a drop."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from dropforge.cli import wording
from dropforge.cli.command import Session, stage_command
from dropforge.cli.exits import UsageError
from dropforge.domain.encoding import encode_object
from dropforge.domain.run import RunStatus
from dropforge.workflow.run_project import RunOrder, run_project


@stage_command
def run(
    session: Session,
    project: Annotated[str, typer.Argument(metavar="PROJECT", help="As `dropforge projects` lists it.")],
    param: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="A hyperparameter of the dropforge.yaml; may be repeated."),
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="A dataset version; the latest unless said.")] = None,
    image: Annotated[str | None, typer.Option(help="An image's digest; the latest unless said.")] = None,
) -> None:
    """Ask for a run without a commit.

    With other parameters, other data or another image; it is recorded as yours. The same inputs are one run:
    asked for again, the run that there is comes back.

    For example:
        dropforge run digits --param epochs=60 --param learning_rate=0.01
        dropforge run digits --dataset sha256:4be1… --json
    """
    parameters = dict(parameter(each) for each in param or [])
    version = _digest(dataset, "--dataset") if dataset else None
    digest = _digest(image, "--image") if image else None
    with session.stage("asking for the run") as workspace:
        started = workspace.ports.clock.now()
        order = RunOrder(project, workspace.caller, parameters, version, digest, declared_only=True)
        ordered = run_project(workspace.ports, order)
        declared = ordered.image.spec.hyperparameters
    if session.console.as_json:
        session.console.document(encode_object(ordered))
        return
    session.console.line(ordered.id)
    for name, value in parameters.items():
        if _is_number(declared[name]) and not _is_number(value):
            stop = f"`dropforge stop {ordered.id[: wording.SHORT]}` ends the run if that is not meant"
            session.console.note(f"{name} is {declared[name]} in dropforge.yaml, and {value} is no number: {stop}.")
    if ordered.requested_at < started:
        when = wording.moment(ordered.requested_at)
        session.console.note(f"These inputs are a run already, asked for {when}: it is {ordered.status.value}.")
    if ordered.status is RunStatus.WAITING:
        session.console.note(f"Recorded. `dropforge watch {ordered.id[: wording.SHORT]}` follows it.")


def parameter(text: str) -> tuple[str, str]:
    """A hyperparameter as it is typed: NAME=VALUE. UsageError."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError(f"--param {text} is no NAME=VALUE: write, for example, --param epochs=60.")
    return name, value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _digest(typed: str, option: str) -> str:
    """`sha256:` and 64 digits, from that or from the digits alone."""
    digits = typed.removeprefix("sha256:").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise UsageError(f"{option} {typed} is no digest: write sha256: and 64 digits, as `dropforge show` does.")
    return f"sha256:{digits}"
