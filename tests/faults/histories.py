"""What arrives in a stage, act by act: AWS and people do their part, and then one or two messages are to be delivered.

The messages of one act are under way at the same moment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from dropforge.domain.head import Rebuild
from dropforge.domain.project import OnData, PinMode, PinPolicy, Project, SealMode, SealPolicy
from dropforge.domain.sealing import MARKER
from dropforge.workflow.accept_drop import accept_drop
from dropforge.workflow.announce import announce
from dropforge.workflow.dispatch_runs import dispatch_runs
from dropforge.workflow.record_job_state import record_job_state
from dropforge.workflow.register_image import register_image
from dropforge.workflow.seal_dataset import seal_dataset, wake_due_seals
from dropforge.workflow.sweep import sweep
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.world import DIGITS, World, stage_of
from tests.faults.suspension import Call, Message, Rehearsal, Reply, Suspended

Act: TypeAlias = Callable[[World], tuple[Message, ...]]
SEAL: Message = partial(seal_dataset, project_name="digits")
REBUILDING = replace(DIGITS, on_data=OnData.REBUILD)
MARKED = replace(DIGITS, seal=SealPolicy(SealMode.MARKER))
EACH_BY_ITSELF = replace(DIGITS, seal=SealPolicy(SealMode.OBJECT))
VERIFIED = replace(DIGITS, pin=PinPolicy(PinMode.VERIFY))
LATEST = replace(DIGITS, latest_wins=True)


WHOLE = ((2, 1),)


@dataclass(frozen=True)
class History:
    """`given` went by without a fault before; `runs` is how many runs there may be in the end.

    `most` is up to how many crashes and second deliveries there are, of the latter one at most. Where two versions of
    one object are sealed at once, there are alternatives: `make faults` has two crashes and a second delivery there
    too, which takes minutes.
    """

    acts: tuple[Act, ...]
    runs: tuple[int, ...] = (1,)
    project: Project = DIGITS
    given: tuple[Act, ...] = ()
    most: tuple[tuple[int, int], ...] = WHOLE

    def __post_init__(self) -> None:
        assert self.at_most[1] <= 1, "the explorer follows one second delivery"

    @property
    def at_most(self) -> tuple[int, int]:
        """What no alternative is beyond."""
        crashes, repeats = zip(*self.most, strict=True)
        return max(crashes), max(repeats)

    def world(self) -> World:
        world = World(stage_of(self.project))
        for act in self.given:
            for message in act(world):
                message(world.ports)
        return world


def two_drops(world: World) -> tuple[Message, ...]:
    return _dropped(world, "digits/a"), _dropped(world, "digits/test/b")


def a_drop(world: World) -> tuple[Message, ...]:
    return (_dropped(world, "digits/a"),)


def quiet(world: World) -> tuple[Message, ...]:
    world.clock.pass_by(seconds=61)
    return (SEAL,)


def two_markers(world: World) -> tuple[Message, ...]:
    """Each behind a batch of its own."""
    first = _dropped(world, f"digits/{MARKER}")
    world.clock.pass_by(seconds=2)
    world.drop("digits/b")
    return first, _dropped(world, f"digits/{MARKER}")


def a_marker_and_a_late_drop(world: World) -> tuple[Message, ...]:
    marker = _dropped(world, f"digits/{MARKER}")
    world.clock.pass_by(seconds=2)
    return marker, _dropped(world, "digits/late")


def an_object_twice(world: World) -> tuple[Message, ...]:
    return _dropped(world, "digits/a"), _dropped(world, "digits/a")


def woken_by_their_own(world: World) -> tuple[Message, ...]:
    """Every object and marker that has a timer of its own."""
    due = world.store.due_seals(world.clock.now())
    return tuple(partial(seal_dataset, project_name="digits", of=timer.of) for timer in due)


def the_end_and_a_replaced_object(world: World) -> tuple[Message, ...]:
    return *the_jobs_end(world), _dropped(world, "digits/a")


def an_image(world: World) -> tuple[Message, ...]:
    return (partial(register_image, built=world.built()),)


def an_image_and_quiet(world: World) -> tuple[Message, ...]:
    world.clock.pass_by(seconds=61)
    return *an_image(world), SEAL


def quiet_and_another_drop(world: World) -> tuple[Message, ...]:
    world.clock.pass_by(seconds=61)
    return SEAL, _dropped(world, "digits/late")


def two_images(world: World) -> tuple[Message, ...]:
    """Of two commits; what was pushed first is built last."""
    world.builds.start("digits", "execution-of-c1")
    world.clock.pass_by(seconds=1)
    later, earlier = world.built(commit="c2"), world.built(commit="c1")
    return partial(register_image, built=later), partial(register_image, built=earlier)


def a_minute(world: World) -> tuple[Message, ...]:
    world.clock.pass_by(minutes=1)
    return (wake_due_seals,)


def a_rebuilt_image(world: World) -> tuple[Message, ...]:
    return tuple(partial(register_image, built=world.built_for(each)) for each in _started(world))


def a_stage_retried(world: World) -> tuple[Message, ...]:
    """The pipeline's build is run again: the same execution gives other bytes."""
    again = [world.built_for(each, content="built again") for each in _started(world)]
    return tuple(partial(register_image, built=built) for built in again)


def _started(world: World) -> list[Rebuild]:
    return [each for each in world.store.rebuilds.values() if each.execution_id is not None]


def dispatching(_: World) -> tuple[Message, ...]:
    return (dispatch_runs,)


def a_job_ends_before_its_start_is_written_down(world: World) -> tuple[Message, ...]:
    as_far_as("create", dispatch_runs, world)
    return dispatch_runs, *the_jobs_end(world)


def the_end_and_a_sweep(world: World) -> tuple[Message, ...]:
    return *the_jobs_end(world), sweep


def the_jobs_end(world: World) -> tuple[Message, ...]:
    names = world.jobs.running()
    world.clock.pass_by(minutes=1)
    for name in names:
        world.jobs.end(name, JobEnd())
    return tuple(partial(record_job_state, job_name=name) for name in names)


def announcing(world: World) -> tuple[Message, ...]:
    return tuple(partial(announce, key=each.key) for each in world.store.pending_announcements())


def sweeping(world: World) -> tuple[Message, ...]:
    world.clock.pass_by(minutes=15)
    return (sweep,)


def announcing_while_sweeping(world: World) -> tuple[Message, ...]:
    return *announcing(world), sweep


def as_far_as(method: str, message: Message, world: World) -> None:
    """The function is killed when that call has returned."""

    def onward(call: Call, _: object) -> Reply:
        if made and made[-1] == method:
            raise Suspended
        made.append(call.method)
        return call.make(world.ports)

    made: list[str] = []
    done = Rehearsal(world.ports).run(message, (), onward)
    assert done is None, f"{method} was never called"


def _dropped(world: World, key: str) -> Message:
    return partial(accept_drop, drop=world.told_of(world.bucket.put(key, key.encode())))


TWO_CRASHES_OR_ONE_AND_A_REPEAT = ((2, 0), (1, 1))
TO_THE_END: tuple[Act, ...] = (dispatching, the_jobs_end, announcing)
HISTORIES: dict[str, History] = {
    "data-then-image": History((a_drop, quiet, an_image, *TO_THE_END, sweeping)),
    "image-then-data": History((an_image, a_drop, quiet, *TO_THE_END, sweeping)),
    "two-drops-at-once": History((two_drops, quiet, dispatching), given=(an_image,)),
    "image-and-data-at-once": History((an_image_and_quiet, dispatching), given=(a_drop,)),
    "data-that-asks-for-a-build": History(
        (quiet, a_minute, a_rebuilt_image, a_stage_retried, dispatching), project=REBUILDING, given=(a_drop,)
    ),
    "an-object-by-itself": History(
        (a_drop, woken_by_their_own, dispatching), project=EACH_BY_ITSELF, given=(an_image,)
    ),
    "two-objects-at-once": History(
        (woken_by_their_own,), runs=(2,), project=EACH_BY_ITSELF, given=(an_image, two_drops)
    ),
    "two-versions-of-an-object-at-once": History(
        (woken_by_their_own,),
        runs=(2,),
        project=EACH_BY_ITSELF,
        given=(an_image, an_object_twice),
        most=TWO_CRASHES_OR_ONE_AND_A_REPEAT,
    ),
    "a-drop-after-the-marker": History(
        (a_marker_and_a_late_drop, woken_by_their_own, dispatching), project=MARKED, given=(an_image, a_drop)
    ),
    "two-markers-at-once": History(
        (woken_by_their_own,),
        runs=(2,),
        project=MARKED,
        given=(an_image, a_drop, two_markers),
    ),
    "data-that-moves-while-it-is-verified": History(
        (the_end_and_a_replaced_object, quiet, dispatching),
        runs=(2,),
        project=VERIFIED,
        given=(an_image, a_drop, quiet, dispatching),
    ),
    "the-latest-image-wins": History((two_images, dispatching), runs=(2,), project=LATEST, given=(a_drop, quiet)),
    "a-drop-while-sealing": History((quiet_and_another_drop, quiet), runs=(1, 2), given=(an_image, a_drop)),
    "two-images-out-of-order": History((two_images, dispatching), runs=(2,), given=(a_drop, quiet)),
    "an-end-while-dispatching": History(
        (a_job_ends_before_its_start_is_written_down, announcing), given=(an_image, a_drop, quiet)
    ),
    "an-end-while-sweeping": History((the_end_and_a_sweep,), given=(an_image, a_drop, quiet, dispatching)),
    "announcing-while-sweeping": History(
        (announcing_while_sweeping,), given=(an_image, a_drop, quiet, dispatching, the_jobs_end)
    ),
}
