"""`dropforge validate`: is this dropforge.yaml (or this stage's configuration) right?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dropforge.cli.command import Session, command
from dropforge.domain.counting import several


@command
def validate(
    session: Session,
    file: Annotated[Path, typer.Argument(help="The document.")] = Path("dropforge.yaml"),
    config: Annotated[
        bool, typer.Option("--config", help="It is a stage's configuration, config/<stage>.yaml.")
    ] = False,
) -> None:
    """Check a dropforge.yaml, as the build does.

    Or, with --config, a stage's configuration, as the deployment does. Every mistake
    is one line: file, line, what is wrong, what to do. What is allowed and hardly meant,
    such as a placeholder, is told in the same way as a warning, and the exit code is 0.

    For example:
        dropforge validate
        dropforge validate --config config/prod.yaml
    """
    from dropforge.documents.stage_config import read_stage_config  # noqa: PLC0415  (pydantic is slow to import)
    from dropforge.documents.stage_warnings import stage_warnings  # noqa: PLC0415
    from dropforge.documents.training_spec import read_training_spec  # noqa: PLC0415

    if config:
        projects = [project.to_document() for project in read_stage_config(file).projects()]
        warnings = [str(warning) for warning in stage_warnings(file)]
        document: object = {"projects": projects, "warnings": warnings}
        for warning in warnings:
            session.console.note(f"warning: {warning}")
        names = ", ".join(str(project["name"]) for project in projects) or "no project yet"
        summary = f"{file} is right, but for the warnings: {names}." if warnings else f"{file} is right: {names}."
    else:
        spec = read_training_spec(file)
        document = spec.to_document()
        compute = spec.compute
        summary = f"{file} is right: {several(compute.instance_count, 'instance')} of {compute.instance_type}."
    if session.console.as_json:
        session.console.document(document)
    else:
        session.console.line(summary)
