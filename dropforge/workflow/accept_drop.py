"""Take note of an object that came or went."""

from __future__ import annotations

from datetime import timedelta

from dropforge.domain.announcement import Outcome
from dropforge.domain.drop import ObjectDropped
from dropforge.domain.notice import Notice
from dropforge.domain.project import Project
from dropforge.domain.sealing import is_data
from dropforge.workflow.ports import Ports


def accept_drop(ports: Ports, drop: ObjectDropped) -> None:
    """Keep who dropped what, and let the project's data be sealed once it has been quiet for long enough.

    What cannot be data is refused with a notice and kept where it is.
    """
    project = ports.stage.project_of(drop.key)
    if project is None:
        if not drop.deleted:
            ports.store.put_notice(_outside(ports, drop))
        return
    if not is_data(drop.key):
        return
    ports.store.record_drop(project.name, drop)
    if drop.size == 0 and not drop.deleted:
        ports.store.put_notice(_empty(project, drop))
        return
    quiet, now = timedelta(seconds=project.seal.quiet_seconds), ports.clock.now()
    ports.store.touch_seal(project.name, drop.principal, now, now + quiet)
    ports.wakeups.seal(project.name, quiet)


def _outside(ports: Ports, drop: ObjectDropped) -> Notice:
    prefixes = ", ".join(project.data_prefix for project in ports.stage.projects) or "none"
    sentence = (
        f"{drop.key} lies outside every project's data prefix ({prefixes}), so nothing is done with it: "
        "move it below one of these, or declare a project for it in the stage's config and deploy."
    )
    return Notice(Outcome.REFUSED, None, "an object lies outside every project", sentence, drop.at, _evidence(drop))


def _empty(project: Project, drop: ObjectDropped) -> Notice:
    sentence = f"{drop.key} is empty, so nothing trains on it: upload it again with its content, or delete it."
    subject = f"{project.name}: an empty object was refused"
    return Notice(Outcome.REFUSED, project.name, subject, sentence, drop.at, _evidence(drop))


def _evidence(drop: ObjectDropped) -> dict[str, str]:
    return {"bucket": drop.bucket, "key": drop.key, "version_id": drop.version_id}
