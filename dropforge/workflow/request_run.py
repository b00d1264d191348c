"""Ask for the run of an image on a dataset version."""

from __future__ import annotations

from dataclasses import dataclass

from dropforge.domain.dataset import Dataset
from dropforge.domain.image import Image
from dropforge.domain.run import Requester, Run, RunStatus, run_id
from dropforge.domain.run_events import ImageBuiltAgain, RunAskedAgain, RunRequested
from dropforge.domain.training_spec import TrainingSpec
from dropforge.workflow.ports import ConflictError, Ports
from dropforge.workflow.recording import record


@dataclass(frozen=True)
class RunRequest:
    """`spec` is resolved: the image's own, or what somebody changed of it.

    `data_revision` is that of the head whose data this is; 0 where the head has other data, or somebody named it.
    """

    image: Image
    dataset: Dataset
    spec: TrainingSpec
    requester: Requester
    data_revision: int = 0


def request_run(ports: Ports, request: RunRequest) -> Run:
    """The one run of these inputs: recorded now, or found as it is by now. The dispatcher starts it.

    Where it is found, and this image is of another build, the run is told of that build: no push is without a trace.
    One that had been superseded is in line again when its image or its data has become the latest again, or when a
    person asks.
    """
    identity = run_id(request.image.project, request.image.digest, request.dataset.version, request.spec)
    found = ports.store.run(identity)
    run = _ask_again(ports, found, request) if found is not None else _record_request(ports, identity, request)
    if run.status is RunStatus.WAITING:
        ports.wakeups.dispatch()
    return run


def _record_request(ports: Ports, identity: str, request: RunRequest) -> Run:
    event = RunRequested(
        at=ports.clock.now(),
        run_id=identity,
        project=request.image.project,
        image=request.image,
        dataset=request.dataset,
        spec=request.spec,
        requester=request.requester,
        data_revision=request.data_revision,
    )
    try:
        return ports.store.commit(None, event)
    except ConflictError:
        # Somebody asked for the same at the same moment; theirs is the run.
        run = ports.store.run(identity)
        if run is None:
            raise
        return _ask_again(ports, run, request)


def _ask_again(ports: Ports, run: Run, request: RunRequest) -> Run:
    if run.image.execution_id != request.image.execution_id:
        run = record(ports.store, run, ImageBuiltAgain(ports.clock.now(), request.image.build, request.requester))
    return record(ports.store, run, RunAskedAgain(ports.clock.now(), request.requester, request.data_revision))
