"""What AWS and the schedules go on doing when nothing arrives any more."""

from __future__ import annotations

from dropforge.domain.head import Rebuild
from dropforge.domain.run import RunStatus
from dropforge.workflow.dispatch_runs import dispatch_runs
from dropforge.workflow.seal_dataset import seal_dataset, wake_due_seals
from dropforge.workflow.sweep import sweep
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.world import World
from tests.faults.invariants import ViolationError

PASSES = 200


def come_to_rest(world: World) -> None:
    """Every event from now on is lost: jobs end untold, and only what runs by the clock goes on.

    ViolationError when something is still owed after so many passes.
    """
    for _ in range(PASSES):
        if not owed(world):
            return
        one_quarter_of_an_hour(world)
    raise ViolationError(f"promise 6 is broken: {owed(world)} after {PASSES} sweeps")


def one_quarter_of_an_hour(world: World) -> None:
    world.clock.pass_by(minutes=16)
    for name in world.jobs.running():
        world.jobs.end(name, JobEnd())
    sweep(world.ports)
    wake_due_seals(world.ports)
    for timer in world.store.due_seals(world.clock.now()):
        seal_dataset(world.ports, timer.project, timer.of)
    for rebuild in _builds_to_end(world):
        world.push_rebuild(rebuild)
    dispatch_runs(world.ports)


def _builds_to_end(world: World) -> list[Rebuild]:
    rebuilds = world.store.rebuilds.values()
    return [each for each in rebuilds if each.execution_id is not None and each.image_digest is None]


def owed(world: World) -> list[str]:
    """What somebody still has to do, in words."""
    store = world.store
    unfinished = {RunStatus.WAITING, RunStatus.STARTING, RunStatus.RUNNING}
    runs = [f"run {run.id} is {run.status.value}" for run in store.runs.values() if run.status in unfinished]
    mails = [f"{each.key} is pending" for each in store.pending_announcements()]
    seals = [*store.timers.values(), *store.object_timers.values()]
    timers = [f"{timer.project} is to be sealed" for timer in seals if timer.due is not None]
    builds = [f"a build of {each.project} is to be started" for each in store.unstarted_rebuilds()]
    builds += [f"the build {each.execution_id} goes on" for each in _builds_to_end(world)]
    return runs + mails + timers + builds
