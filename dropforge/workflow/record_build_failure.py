"""Tell of a pipeline execution that ended without an image."""

from __future__ import annotations

from datetime import datetime

from dropforge.domain.announcement import Outcome
from dropforge.domain.notice import Notice
from dropforge.workflow.ports import Ports


def record_build_failure(ports: Ports, project: str, execution_id: str, at: datetime) -> Notice:
    """A notice with the build's own last words; the same execution told twice is one notice. UnknownProjectError."""
    ports.stage.project(project)
    failure = ports.pipelines.why_failed(project, execution_id)
    notice = Notice(
        kind=Outcome.BUILD_FAILED,
        project=project,
        subject=f"{project}: the build failed",
        sentence=f"{failure.reason.rstrip('. ')}. Nothing was trained: mend the cause and push, or retry the stage.",
        at=at,
        evidence={"execution": execution_id},
        details=failure.log_tail,
    )
    ports.store.put_notice(notice)
    return notice
