"""Seal data when it is time, and train with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from dropforge.domain.announcement import Outcome
from dropforge.domain.canonical import digest
from dropforge.domain.dataset import Dataset, ListedObject
from dropforge.domain.drop import ObjectDropped, ObjectRef
from dropforge.domain.errors import DropforgeError
from dropforge.domain.head import ProjectHead, Rebuild, SealedData, SealTimer
from dropforge.domain.notice import Notice
from dropforge.domain.project import OnData, Project
from dropforge.domain.run import Requester, RequesterKind
from dropforge.domain.sealing import CHOICE, MARKER, DatasetRefusedError, chosen, is_data, is_marker
from dropforge.workflow.failures import Failures
from dropforge.workflow.pin_dataset import Snapshot, pin_dataset
from dropforge.workflow.ports import Ports, VersionGoneError
from dropforge.workflow.request_run import RunRequest, request_run
from dropforge.workflow.start_rebuild import start_due_rebuild

CLOCK_SKEW = timedelta(seconds=1)
"""How far the clocks of two functions may lie apart."""
LONGEST_TURN = timedelta(minutes=15)
"""No function runs longer: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
ON_ITS_WAY = timedelta(minutes=2)
"""How long the wake-up of an object that is sealed by itself may take before the tick sends another one."""


@dataclass(frozen=True)
class Turn:
    """One delivery of a wake-up. `holder` is its message, the same when it is delivered again; `ends` is when its
    function must be done.
    """

    holder: str = ""
    ends: datetime | None = None


def seal_dataset(
    ports: Ports, project_name: str, of: ObjectRef | None = None, turn: Turn | None = None
) -> Dataset | None:
    """The dataset version that was sealed; None when none is due, none is there, it was refused, or it takes longer.

    `of` is the marker, or the object that is sealed by itself; None is the whole prefix. Drops may go on meanwhile. The
    timer is cleared last, and only if none was counted since it was read: what came later is sealed again. Cut off
    anywhere, the timer still stands, and the next call goes on where this one was.
    """
    project, turn = ports.stage.project(project_name), turn or Turn()
    timer, now = ports.store.seal_timer(project.name, of), ports.clock.now()
    # A drop that moved the due time has a wake-up of its own on the way.
    if timer is None or timer.due is None or timer.due > now + CLOCK_SKEW:
        return None
    ends = turn.ends or now + LONGEST_TURN
    if not ports.store.hold_seal(timer, turn.holder, now, ends):
        return None
    try:
        return _seal_and_train(ports, project, timer, ends)
    except (_NotYetError, VersionGoneError):
        # At once, where there was no time left; with a new listing, where an object was deleted for good.
        ports.store.release_seal(timer)
        ports.wakeups.seal(project.name, timedelta(0), of)
        return None
    except Exception:
        ports.store.release_seal(timer)  # the next delivery need not wait until the hold has run out
        raise


def wake_due_seals(ports: Ports) -> None:
    """Every minute: heal wake-ups that were lost, each project by itself, and builds that could not start before.

    What fails for one project is raised once all others had their turn: SealsNotWokenError.
    """
    failures = Failures()
    for project, wake in _due(ports):
        with failures.kept(project):
            wake()
    failures.raise_as(SealsNotWokenError, "not every project could be woken, the next minute tries again")


def _due(ports: Ports) -> Iterator[tuple[str, Callable[[], None]]]:
    now = ports.clock.now()
    for timer in ports.store.due_seals(now, frozenset(project.name for project in ports.stage.projects)):
        if timer.of is None or timer.due is None or timer.due <= now - ON_ITS_WAY:
            yield timer.project, partial(ports.wakeups.seal, timer.project, timedelta(0), timer.of)
    for rebuild in ports.store.unstarted_rebuilds():
        if ports.stage.find_project(rebuild.project) is not None:
            yield rebuild.project, partial(start_due_rebuild, ports, rebuild)


def _seal_and_train(ports: Ports, project: Project, timer: SealTimer, ends: datetime) -> Dataset | None:
    now = ports.clock.now()
    _settle(ports, project, ports.store.head(project.name))
    try:
        dataset = _sealed(ports, project, timer, now, ends)
    except DatasetRefusedError as refused:
        ports.store.put_notice(_refusal(ports, project, timer, refused))
        dataset = None
    if dataset is not None:
        _train(ports, project, timer, dataset)
    ports.store.clear_seal(timer)
    return dataset


class SealsNotWokenError(DropforgeError):
    """Some projects could not be woken, or their builds not started; the next minute tries again."""


class _NotYetError(DropforgeError):
    """A further call goes on."""


def _sealed(ports: Ports, project: Project, timer: SealTimer, now: datetime, ends: datetime) -> Dataset | None:
    snapshot = _snapshot(ports, project, timer, now)
    if snapshot is None:
        _tell_of_emptiness(ports, project, timer)
        return None
    try:
        dataset = pin_dataset(ports, project, snapshot, lambda: ports.clock.now() >= ends)
    except VersionGoneError as gone:
        if timer.of is None or is_marker(timer.of.key):
            raise
        raise _refused_as_gone(timer.of) from gone
    if dataset is None:
        raise _NotYetError
    return dataset


def _snapshot(ports: Ports, project: Project, timer: SealTimer, now: datetime) -> Snapshot | None:
    """What enters: what S3 shows at the cut-off, not the events that happened to be seen."""
    if timer.of is None:
        # S3 dates objects by its own clock: where ours is behind, what was just dropped must not lie in the future.
        return _of_prefix(ports, project, max(now, timer.last_drop_at), timer.last_drop_by)
    drop = ports.store.drop(timer.of.bucket, timer.of.key, timer.of.version_id)
    if drop is None:
        return None
    if not is_marker(drop.key):
        return Snapshot((_listed(drop),), drop.at, drop.by)
    snapshot = _of_prefix(ports, project, drop.at, drop.by)
    if snapshot is None or not drop.key.endswith(CHOICE):
        return snapshot
    try:
        choice = ports.bucket.content(_listed(drop))
    except VersionGoneError as gone:
        raise _refused_as_gone(timer.of) from gone
    objects = chosen(project, drop.key, choice, snapshot.objects)
    return Snapshot(tuple(objects), drop.at, drop.by) if objects else None


def _refused_as_gone(of: ObjectRef) -> DatasetRefusedError:
    reason = f"{of.key} was deleted for good before it could be sealed: drop it again if it was to be trained on"
    return DatasetRefusedError([reason])


def _of_prefix(ports: Ports, project: Project, cut_off: datetime, by: str) -> Snapshot | None:
    listed = tuple(each for each in ports.bucket.current_objects(project.data_prefix, cut_off) if is_data(each.key))
    return Snapshot(listed, cut_off, by) if listed else None


def _tell_of_emptiness(ports: Ports, project: Project, timer: SealTimer) -> None:
    """Data that is gone from a prefix un-trains nothing: the head keeps what it has, and that is said."""
    data = ports.store.head(project.name).data
    if data is None or (timer.of is not None and not timer.of.key.endswith(MARKER)):
        return
    kept = f"the project keeps its latest data ({data.dataset.version}), with which the next push trains"
    if data.dataset.is_verified:
        kept += "; its objects were not copied (pin: verify), so such a run fails"
    ports.store.put_notice(
        Notice(
            kind=Outcome.REFUSED,
            project=project.name,
            subject=f"{project.name}: no data is left",
            sentence=f"Nothing is left under {project.data_prefix}, and nothing trains on no data: {kept}. Drop data "
            f"to take its place, or run `dropforge pause {project.name}` to start nothing.",
            at=timer.last_drop_at,
            evidence={"data_prefix": project.data_prefix, "drops_so_far": str(timer.revision)},
        )
    )


def _listed(drop: ObjectDropped) -> ListedObject:
    return ListedObject(drop.key, drop.version_id, drop.size)


def _refusal(ports: Ports, project: Project, timer: SealTimer, refused: DatasetRefusedError) -> Notice:
    """One for each mistake: what other drops follow while the same objects alone are in the way, is no other one."""
    mistake = {"drops_so_far": str(timer.revision)}
    if refused.culprits:
        data = ports.store.head(project.name).data
        objects = sorted([each.key, each.version_id] for each in refused.culprits)
        mistake = {"objects": digest(objects), "since": str(data.revision) if data is not None else ""}
    return Notice(
        kind=Outcome.REFUSED,
        project=project.name,
        subject=f"{project.name}: data was refused",
        sentence=f"The data under {project.data_prefix} was not trained on: {refused}.",
        at=timer.last_drop_at,
        evidence={"data_prefix": project.data_prefix, **mistake},
        details=refused.reasons,
    )


def _train(ports: Ports, project: Project, timer: SealTimer, dataset: Dataset) -> None:
    """Of an object that a later drop has replaced meanwhile, the data trains too and does not become the head."""
    requester = Requester(RequesterKind.DROP, timer.last_drop_by)
    data = SealedData(dataset, timer.revision, requester)
    if _is_replaced(ports, timer):
        _ask(ports, project, ports.store.head(project.name), data)
        return
    head = ports.store.advance_data(data)
    _ask(ports, project, head, data)
    ports.store.settle_data(project.name, timer.revision)


def _is_replaced(ports: Ports, timer: SealTimer) -> bool:
    """Of an object without a sequencer, which was found where no event told of it, S3's listing said it is current."""
    if timer.of is None or is_marker(timer.of.key):
        return False
    drop = ports.store.drop(timer.of.bucket, timer.of.key, timer.of.version_id)
    latest = ports.store.latest_version(timer.of.bucket, timer.of.key)
    return drop is not None and drop.sequencer != "" and latest not in {None, drop.version_id}


def _settle(ports: Ports, project: Project, head: ProjectHead) -> None:
    """A sealing that was cut off between head and run, and that later drops would not repeat."""
    if head.owes_run and head.data is not None:
        _ask(ports, project, head, head.data)
        ports.store.settle_data(project.name, head.data.revision)


def _ask(ports: Ports, project: Project, head: ProjectHead, data: SealedData) -> None:
    """Data that goes back to a version that was built for already is not built for again: the latest image trains."""
    requester, revision = data.requester or Requester(RequesterKind.DROP, ""), data.revision
    if project.on_data is OnData.REBUILD:
        wanted = Rebuild(project.name, data.dataset.version, requester, ports.clock.now(), revision=revision)
        rebuild = ports.store.record_rebuild(wanted)
        start_due_rebuild(ports, rebuild)
        is_asked_for = rebuild.image_digest is not None and rebuild.revision < revision
    else:
        is_asked_for = True
    if is_asked_for and head.image is not None:
        request_run(ports, RunRequest(head.image, data.dataset, head.image.spec, requester, revision))
