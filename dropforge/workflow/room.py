"""Whether AWS has room for one more job, as far as its refusals so far tell."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from dropforge.domain.congestion import EVERY_TYPE, Congestion, refused
from dropforge.domain.errors import InvalidDocumentError
from dropforge.domain.run import Run, RunRef
from dropforge.workflow.ports import Ports

PATIENCE = timedelta(seconds=30)
"""For how long in all one pass waits for requests to be taken again; the next pass comes within the minute."""


class Room:
    """What one pass of the dispatcher knows of it: what was noted before, counted on as jobs are taken and refused.

    Only jobs that are on record are counted. Where others share the quota, what is remembered of it is a little off;
    it is then found out again when the noted time is over.
    """

    def __init__(self, ports: Ports, open_runs: Iterable[RunRef]) -> None:
        self._ports = ports
        self._patience = PATIENCE
        self._open_runs = tuple(open_runs)
        self._types: dict[str, str] | None = None
        self._taken: dict[str, str] = {}
        self._notes = {each.scope: each for each in ports.store.congestion()}

    @property
    def is_throttled(self) -> bool:
        """Whether any request now would be one too many."""
        return self._throttled_for > timedelta(0)

    @property
    def is_throttled_for_long(self) -> bool:
        """For longer than this pass has the patience to wait."""
        return self._throttled_for > self._patience

    def wait_out_throttling(self) -> None:
        """Nothing could start meanwhile, and nobody else may: SQS delays no single message of a FIFO queue
        (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-timers.html).
        """
        length = self._throttled_for
        self._patience -= length
        self._ports.clock.wait(length)

    @property
    def _throttled_for(self) -> timedelta:
        note = self._notes.get(EVERY_TYPE)
        return max(note.until - self._ports.clock.now(), timedelta(0)) if note is not None else timedelta(0)

    def is_closed(self, run: Run) -> bool:
        """Whether asking for the run's job now would be in vain."""
        note = self._notes.get(_type_of(run))
        return note is not None and note.closes(self._ports.clock.now(), self._open_besides(run))

    def refuse(self, run: Run, *, throttled: bool) -> Congestion:
        """AWS had none: remember it, and until when."""
        scope = EVERY_TYPE if throttled else _type_of(run)
        open_jobs = None if throttled else self._open_besides(run)
        note = refused(scope, open_jobs, self._ports.clock.now(), self._notes.get(scope))
        self._notes[scope] = note
        self._ports.store.note_congestion(note)
        return note

    def take(self, run: Run) -> None:
        """The run's job was created, so requests are not throttled any more.

        What is noted of an instance type stays until its time is over: one job more than there was room for may only
        mean that another has just ended unseen, and forgetting would have the next ones ask in vain again.
        """
        if EVERY_TYPE in self._notes:
            del self._notes[EVERY_TYPE]
            self._ports.store.forget_congestion(EVERY_TYPE)
        self._taken[run.id] = _type_of(run)

    def _open_besides(self, run: Run) -> int:
        if self._types is None:
            self._types = self._read_types()
        types = self._types | self._taken
        return sum(kind == _type_of(run) for run_id, kind in types.items() if run_id != run.id)

    def _read_types(self) -> dict[str, str]:
        """Instance types of the runs that were open when the pass began; only where something was refused."""
        runs = map(self._readable, self._open_runs)
        return {run.id: _type_of(run) for run in runs if run is not None and run.status.is_open}

    def _readable(self, ref: RunRef) -> Run | None:
        """A record that cannot be read keeps nobody else from starting; whoever looks at it itself raises that."""
        try:
            return self._ports.store.run(ref.id)
        except InvalidDocumentError:
            return None


def _type_of(run: Run) -> str:
    return run.spec.compute.instance_type
