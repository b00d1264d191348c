"""Take note of an object that came or went."""

from __future__ import annotations

from datetime import UTC, timedelta

from dropforge.domain.announcement import Outcome
from dropforge.domain.drop import ObjectDropped
from dropforge.domain.notice import Notice
from dropforge.domain.project import Project, SealMode
from dropforge.domain.sealing import is_data, is_marker
from dropforge.workflow.ports import Ports


def accept_drop(ports: Ports, drop: ObjectDropped) -> None:
    """Keep who dropped what, and let the data be sealed as the project says.

    What cannot be data, or lies in a bucket that is not the stage's, is refused with a notice, one for each top folder
    and hour, and kept where it is; what of a whole prefix cannot be data is told of when that is sealed, all at once.
    Events come twice and in any order: one that is older than another on the same key asks for nothing that the other
    has not asked for. A drop is on record once all is done that it asks for: what the sweep finds on record it passes
    over.
    """
    project = ports.stage.project_of(drop.key) if drop.bucket == ports.bucket.name else None
    if project is None:
        if not drop.deleted:
            ports.store.put_notice(_outside(ports, drop))
        return
    if not is_data(drop.key):
        _accept_marker(ports, project, drop)
        return
    is_latest = ports.store.note_latest(drop)
    match project.seal.mode:
        case SealMode.QUIET if is_latest:
            _seal_when_quiet(ports, project, drop)
        case SealMode.OBJECT if not drop.deleted and drop.size == 0:
            ports.store.put_notice(_empty(project, drop))
            ports.store.record_drop(project.name, drop)
        case SealMode.OBJECT if not drop.deleted:
            _seal_by_itself(ports, project, drop)
        case _:  # replaced since; or a deletion, after which there is no object; or a marker will follow
            ports.store.record_drop(project.name, drop)


def _accept_marker(ports: Ports, project: Project, drop: ObjectDropped) -> None:
    if project.seal.mode is SealMode.MARKER and is_marker(drop.key) and not drop.deleted:
        _seal_by_itself(ports, project, drop)


def _seal_when_quiet(ports: Ports, project: Project, drop: ObjectDropped) -> None:
    quiet, now = timedelta(seconds=project.seal.quiet_seconds), ports.clock.now()
    ports.store.touch_seal(project.name, drop.by, drop.at, now + quiet)
    ports.store.record_drop(project.name, drop)
    ports.wakeups.seal(project.name, quiet)


def _seal_by_itself(ports: Ports, project: Project, drop: ObjectDropped) -> None:
    timer = ports.store.touch_object(project.name, drop, due=ports.clock.now())
    if timer.due is not None:
        ports.wakeups.seal(project.name, timedelta(0), drop.ref)


def _outside(ports: Ports, drop: ObjectDropped) -> Notice:
    if drop.bucket != ports.bucket.name:
        sentence = (
            f"s3://{drop.bucket}/{drop.key} was told of here, and this stage takes data from {ports.bucket.name} "
            f"alone, so nothing is done with it: put it there, and stop the other bucket's notification. {_once(drop)}"
        )
        return _notice(None, "an object lies in another bucket", sentence, drop)
    prefixes = ", ".join(project.data_prefix for project in ports.stage.projects) or "none"
    sentence = (
        f"{drop.key} lies outside every project's data prefix ({prefixes}), so nothing is done with it: "
        f"move it below one of these, or declare a project for it in the stage's config and deploy. {_once(drop)}"
    )
    return _notice(None, "an object lies outside every project", sentence, drop)


def _empty(project: Project, drop: ObjectDropped) -> Notice:
    sentence = (
        f"{drop.key} is empty, so nothing trains on it: upload it again with its content, or delete it. {_once(drop)}"
    )
    return _notice(project.name, f"{project.name}: an empty object was refused", sentence, drop)


def _notice(project: str | None, subject: str, sentence: str, drop: ObjectDropped) -> Notice:
    """One for each folder and hour, which the first object gets: thousands that are dropped wrongly are one mistake."""
    evidence = {"bucket": drop.bucket, "folder": _folder(drop), "hour": f"{drop.at.astimezone(UTC):%Y-%m-%dT%H}"}
    details = (f"{drop.key} (version {drop.version_id})",)
    return Notice(Outcome.REFUSED, project, subject, sentence, drop.at, evidence, details)


def _once(drop: ObjectDropped) -> str:
    return f"Others like it below {_folder(drop)} are told of once an hour."


def _folder(drop: ObjectDropped) -> str:
    folder, slash, _ = drop.key.partition("/")
    return f"{folder}/" if slash else "/"
