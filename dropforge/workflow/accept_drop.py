"""Take note of an object that came or went."""

from __future__ import annotations

from datetime import timedelta

from dropforge.domain.announcement import Outcome
from dropforge.domain.drop import ObjectDropped
from dropforge.domain.notice import Notice
from dropforge.domain.project import Project, SealMode
from dropforge.domain.sealing import is_data, is_marker
from dropforge.workflow.ports import Ports


def accept_drop(ports: Ports, drop: ObjectDropped) -> None:
    """Keep who dropped what, and let the data be sealed as the project says.

    What cannot be data is refused with a notice and kept where it is. Events come twice and in any order: one that is
    older than another on the same key asks for nothing that the other has not asked for.
    """
    project = ports.stage.project_of(drop.key)
    if project is None:
        if not drop.deleted:
            ports.store.put_notice(_outside(ports, drop))
        return
    if not is_data(drop.key):
        _accept_marker(ports, project, drop)
        return
    ports.store.record_drop(project.name, drop)
    is_latest = ports.store.note_latest(drop)
    if drop.size == 0 and not drop.deleted:
        ports.store.put_notice(_empty(project, drop))
        return
    match project.seal.mode:
        case SealMode.QUIET if is_latest:
            _seal_when_quiet(ports, project, drop)
        case SealMode.OBJECT if not drop.deleted:
            _seal_by_itself(ports, project, drop)
        case _:
            pass  # replaced since; or a deletion, after which there is no object; or a marker will follow


def _accept_marker(ports: Ports, project: Project, drop: ObjectDropped) -> None:
    if project.seal.mode is SealMode.MARKER and is_marker(drop.key) and not drop.deleted:
        ports.store.record_drop(project.name, drop)
        _seal_by_itself(ports, project, drop)


def _seal_when_quiet(ports: Ports, project: Project, drop: ObjectDropped) -> None:
    quiet, now = timedelta(seconds=project.seal.quiet_seconds), ports.clock.now()
    ports.store.touch_seal(project.name, drop.principal, max(now, drop.at), now + quiet)
    ports.wakeups.seal(project.name, quiet)


def _seal_by_itself(ports: Ports, project: Project, drop: ObjectDropped) -> None:
    timer = ports.store.touch_object(project.name, drop, due=ports.clock.now())
    if timer.due is not None:
        ports.wakeups.seal(project.name, timedelta(0), drop.ref)


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
