"""Compare what a job may have read with what the record says, where the job read the dropped objects themselves."""

from __future__ import annotations

from datetime import timedelta

from dropforge.domain.artifact_layout import manifest_key
from dropforge.domain.dataset import DataMoved
from dropforge.domain.project import SealMode
from dropforge.domain.run import Run
from dropforge.workflow.ports import WHENEVER, Ports


def verify_dataset(ports: Ports, run: Run) -> DataMoved | None:
    """The objects that are not of the recorded version any more; None when the data is what the record says.

    Call it when the job has ended. A version that S3 shows as the latest now has been so since it was dropped, hence
    all the while the job read: S3's versions only ever follow each other. But for one that was put, read, and deleted
    for good before the job ended: S3 keeps nothing of it, and it is not seen here.

    The fresh run that data which moved asks for comes with its own sealing: of a prefix that is sealed when it is
    quiet, the timer is set here, in case that no event told of the change. With pinned copies, as every reproduction
    reads them, nothing can move, and nothing is looked at.
    """
    if not run.dataset.is_verified or run.reproduces is not None:
        return None
    manifest = ports.bucket.manifest(manifest_key(run.project, run.dataset.version))
    # Whatever our clock says: what S3 dates later than that moved as well.
    listed = ports.bucket.current_objects(manifest.prefix, WHENEVER)
    there = {each.key: each.version_id for each in listed}
    moved = DataMoved.of([each.key for each in manifest.objects if there.get(each.key) != each.version_id])
    if moved is not None:
        _seal_again(ports, run)
    return moved


def _seal_again(ports: Ports, run: Run) -> None:
    project = ports.stage.find_project(run.project)
    if project is None or project.seal.mode is not SealMode.QUIET:
        return
    quiet, now = timedelta(seconds=project.seal.quiet_seconds), ports.clock.now()
    ports.store.touch_seal(project.name, f"data of run {run.id} moved", now, now + quiet)
    ports.wakeups.seal(project.name, quiet)
