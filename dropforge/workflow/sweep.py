"""Heal whatever a lost event, a lost wake-up or a crash left undone."""

from __future__ import annotations

from collections.abc import Callable

from dropforge.domain.errors import DropforgeError
from dropforge.domain.run import RunRef
from dropforge.workflow.announce import announce
from dropforge.workflow.ports import Ports
from dropforge.workflow.record_job_state import observe
from dropforge.workflow.seal_dataset import wake_due_seals


class SweepIncompleteError(DropforgeError):
    """Some of it could not be healed this time; the next sweep tries again."""


def sweep(ports: Ports) -> None:
    """One Describe for each open run, no List; what fails for one is tried for all others before it is raised."""
    steps: list[tuple[str, Callable[[], object]]] = [
        *((f"run {ref.id}", lambda ref=ref: _observe(ports, ref)) for ref in ports.store.open_runs()),
        *(
            (f"announcement of {each.key.subject}", lambda key=each.key: announce(ports, key))
            for each in ports.store.pending_announcements()
        ),
        ("seals", lambda: wake_due_seals(ports)),
        ("dispatcher", ports.wakeups.dispatch),
    ]
    failures = [failure for name, step in steps if (failure := _failure_of(name, step)) is not None]
    if failures:
        raise SweepIncompleteError(f"not everything could be healed, the next sweep tries again: {'; '.join(failures)}")


def _observe(ports: Ports, ref: RunRef) -> None:
    run = ports.store.run(ref.id)
    if run is not None and run.status.is_open:
        observe(ports, run)


def _failure_of(name: str, step: Callable[[], object]) -> str | None:
    try:
        step()
    except DropforgeError as error:
        return f"{name}: {error}"
    return None
