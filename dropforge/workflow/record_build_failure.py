"""Tell of a pipeline execution that ended without an image."""

from __future__ import annotations

from datetime import datetime

from dropforge.domain.announcement import Outcome
from dropforge.domain.notice import Notice
from dropforge.domain.project import OnPush
from dropforge.workflow.ports import Ports

_BUILD_ALONE = (
    " A push to this project only builds (on_push: build): if new data had asked for this build, have the data trained "
    "by `dropforge run {project}` once a build is good."
)


def record_build_failure(ports: Ports, project: str, execution_id: str, at: datetime) -> Notice:
    """A notice with the build's own last words; the same execution told twice is one notice. UnknownProjectError."""
    further = _BUILD_ALONE if ports.stage.project(project).on_push is OnPush.BUILD else ""
    failure = ports.pipelines.why_failed(project, execution_id)
    notice = Notice(
        kind=Outcome.BUILD_FAILED,
        project=project,
        subject=f"{project}: the build failed",
        sentence=f"{failure.reason.rstrip('. ')}. Nothing was trained: mend the cause and push, or retry the stage."
        + further.format(project=project),
        at=at,
        evidence={"execution": execution_id},
        details=failure.log_tail,
    )
    ports.store.put_notice(notice)
    return notice
