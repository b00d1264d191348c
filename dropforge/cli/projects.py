"""`dropforge projects`: where each project stands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dropforge.cli import wording
from dropforge.cli.command import Session, stage_command
from dropforge.domain.announcement import Outcome
from dropforge.domain.counting import several
from dropforge.domain.encoding import encode_object
from dropforge.domain.head import WaitsFor
from dropforge.domain.notice import Notice
from dropforge.domain.project import Project
from dropforge.workflow.project_status import ProjectStatus, project_status

NOTICES_READ = 100
"""The newest of the stage, in one request."""


@stage_command
def projects(session: Session) -> None:
    """List projects and what they wait for.

    Of each: its latest image and data, which the next run would train with, and how much of its limits is taken.

    For example:
        dropforge projects
    """
    with session.stage() as workspace:
        declared = workspace.ports.stage.projects
        statuses = [project_status(workspace.ports, project.name) for project in declared]
        notices = workspace.ports.store.notices(NOTICES_READ)
    found = [(project, status, _refused(status, notices)) for project, status in zip(declared, statuses, strict=True)]
    if session.console.as_json:
        session.console.document([_document(project, status, refused) for project, status, refused in found])
        return
    for project, status, refused in found:
        for line, style in _lines(project, status, refused):
            session.console.line(line, style)
    if not found:
        session.console.note("No projects yet: ops add them to the stage's config file and deploy.")


def _refused(status: ProjectStatus, notices: Sequence[Notice]) -> Notice | None:
    """What was last refused of the project's data since its latest was sealed: it may hold back all that comes."""
    sealed_at = status.head.data.dataset.sealed_at if status.head.data else None
    of_data = (each for each in notices if each.project == status.project and each.kind is Outcome.REFUSED)
    latest = next(of_data, None)
    return latest if latest is not None and (sealed_at is None or latest.at > sealed_at) else None


def _document(project: Project, status: ProjectStatus, refused: Notice | None) -> dict[str, object]:
    waits_for = status.waits_for.value if status.waits_for else None
    return {
        **encode_object(status),
        "waits_for": waits_for,
        "refused": encode_object(refused) if refused else None,
        "project": project.to_document(),
    }


def _lines(project: Project, status: ProjectStatus, refused: Notice | None) -> Iterator[tuple[str, str]]:
    image, data = status.head.image, status.head.data
    yield f"{project.name}: {_state(status)}", "bold"
    yield f"  code   {project.repository}, branch {project.branch}", ""
    if image is not None:
        message = wording.first_line(image.message)
        yield f"  image  {image.digest}, commit {wording.short(image.commit)} “{message}”", ""
    if data is not None:
        held = f"{several(data.dataset.objects, 'object')}, {wording.size(data.dataset.bytes)}"
        yield f"  data   {data.dataset.version}, {held}, sealed {wording.moment(data.dataset.sealed_at)}", ""
    if status.seal is not None and status.seal.due is not None:
        came, due = wording.moment(status.seal.last_drop_at), wording.clock(status.seal.due)
        yield f"  new    data came {came}, sealed at {due}", ""
    if refused is not None:
        yield f"  last   refused {wording.moment(refused.at)}: {refused.sentence}", ""
    rails = project.guard_rails
    yield (
        (
            f"  runs   {status.load.open_runs} of {rails.concurrent_runs} at once, "
            f"{status.load.started_today} of {rails.runs_per_day} today"
        ),
        "",
    )
    if status.waits_for is not None:
        yield f"  next   {_remedy(project, status.waits_for, refused)}", ""


def _state(status: ProjectStatus) -> str:
    if status.pause is not None:
        of = status.pause.project or "the whole stage"
        return f"paused ({of}, by {status.pause.by}, {wording.moment(status.pause.at)})"
    return f"waits for {status.waits_for.value}" if status.waits_for else "ready"


def _remedy(project: Project, waits_for: WaitsFor, refused: Notice | None) -> str:
    push = f"push a commit to {project.repository}, branch {project.branch}"
    drop = f"put objects below {project.data_prefix} of the training bucket"
    if refused is not None:
        drop = f"mend what was refused below {project.data_prefix} of the training bucket, as said above"
    return {WaitsFor.IMAGE: push, WaitsFor.DATA: drop, WaitsFor.IMAGE_AND_DATA: f"{push}, and {drop}"}[waits_for]
