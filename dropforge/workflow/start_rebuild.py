"""Start the build that new data asked for."""

from __future__ import annotations

from dropforge.domain.announcement import Outcome
from dropforge.domain.head import Rebuild
from dropforge.domain.notice import Notice
from dropforge.workflow.pause_project import pause_of
from dropforge.workflow.ports import BusyError, ConnectionPendingError, Ports


def start_rebuild(ports: Ports, rebuild: Rebuild) -> None:
    """Once, however often it is called: a start that was not written down is repeated under the same client token.

    While the project is paused, AWS is busy or the connection is pending, the rebuild stays recorded as not started.
    Where AWS could not start it, it is put off, for longer each time.
    """
    if rebuild.execution_id is not None or pause_of(ports.store, rebuild.project) is not None:
        return
    try:
        execution_id = ports.pipelines.start_rebuild(rebuild)
    except BusyError:
        _put_off(ports, rebuild)
        return
    except ConnectionPendingError as pending:
        ports.store.put_notice(_connection_pending(rebuild, pending))
        _put_off(ports, rebuild)
        return
    ports.store.rebuild_started(rebuild.project, rebuild.dataset_version, execution_id)


def start_due_rebuild(ports: Ports, rebuild: Rebuild) -> None:
    """The same, unless it was put off and its time has not come yet."""
    if rebuild.is_due(ports.clock.now()):
        start_rebuild(ports, rebuild)


def _put_off(ports: Ports, rebuild: Rebuild) -> None:
    ports.store.delay_rebuild(rebuild.project, rebuild.dataset_version, rebuild.delayed(ports.clock.now()))


def _connection_pending(rebuild: Rebuild, pending: ConnectionPendingError) -> Notice:
    return Notice(
        kind=Outcome.BLOCKED,
        project=rebuild.project,
        subject=f"{rebuild.project}: the connection to the code host is pending",
        sentence=str(pending),
        at=rebuild.requested_at,
        evidence={"dataset": rebuild.dataset_version},
    )
