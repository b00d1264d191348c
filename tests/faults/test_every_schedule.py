"""Crashes and second deliveries, as many as a history has, at every point and in every order: no promise is broken."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import product

import pytest

from dropforge.domain.announcement import AnnouncementKey, Outcome
from dropforge.domain.notice import Notice
from dropforge.domain.notice_mail import notice_mail
from dropforge.domain.run_events import RunAnnounced, event_from_document
from dropforge.domain.run_mail import run_mail
from dropforge.workflow.ports import Ports
from tests.fakes.world import World
from tests.faults.explorer import Explorer
from tests.faults.histories import (
    HISTORIES,
    History,
    a_drop,
    an_image,
    announcing,
    announcing_while_sweeping,
    dispatching,
    quiet,
    sweeping,
    the_jobs_end,
)
from tests.faults.invariants import ViolationError
from tests.faults.schedules import AGAIN, Schedules
from tests.faults.suspension import Message
from tests.faults.tokens import replay
from tests.faults.unfolding import Unfolding


@pytest.mark.parametrize("history", HISTORIES)
def test_no_schedule_with_two_crashes_and_a_second_delivery_breaks_a_promise(history: str) -> None:
    figures = Explorer(history, HISTORIES[history]).explore()
    used_up = {left for c, r in HISTORIES[history].most for left in product({max(c - 1, 0), c}, range(r + 1))}
    assert figures.left >= used_up, "a crash and a second delivery lead to states that nothing else leads to"
    assert figures.ends


SMALL = ("announcing-while-sweeping", "an-end-while-dispatching", "the-latest-image-wins", "an-object-by-itself")
READY = (an_image, a_drop, quiet)
THROUGH_A_CHANGING_ACT = {
    "an-end-behind-a-start": History((dispatching, the_jobs_end), given=READY, most=((1, 1),)),
    "a-sweep-behind-an-end": History((the_jobs_end, announcing, sweeping), given=(*READY, dispatching), most=((1, 1),)),
    "sealing-behind-a-drop": History((a_drop, quiet), given=(an_image,), most=((1, 1),)),
    "a-sweep-behind-an-announcement": History(
        (announcing_while_sweeping, sweeping), given=(*READY, dispatching, the_jobs_end), most=((1, 1),)
    ),
}
"""A second delivery may be under way while a later act changes what it goes on to read."""


@pytest.mark.parametrize("name", [*SMALL, *THROUGH_A_CHANGING_ACT])
def test_what_the_explorer_leaves_out_leads_to_no_other_world_no_other_call_and_no_other_end(name: str) -> None:
    history = THROUGH_A_CHANGING_ACT.get(name) or HISTORIES[name]
    explorer = Explorer(name, history)
    explorer.explore()
    explored = explorer.unfolding
    thorough = Unfolding(history, explored.happening.anew())
    assert Schedules(thorough).count() > 10 ** (20 if name in SMALL else 6)
    assert set(thorough.happening.worlds) == set(explored.happening.worlds)
    assert thorough.happening.calls == explored.happening.calls
    assert thorough.ends == explored.ends


def tell_without_a_lease(ports: Ports, key: AnnouncementKey) -> None:
    run, announcement = ports.store.run(key.subject), ports.store.announcement(key)
    assert run is not None
    assert announcement is not None
    if key.sequence in run.announced:
        return
    entry = next(each for each in ports.store.trail(run.id) if each.sequence == key.sequence)
    ports.announcer.publish(run_mail(run, event_from_document(entry.document()), None), announcement)
    ports.store.commit(run, RunAnnounced(ports.clock.now(), key.sequence, announcement.outcome))


def telling_without_a_lease(world: World) -> tuple[Message, ...]:
    return tuple(partial(tell_without_a_lease, key=each.key) for each in world.store.pending_announcements())


def test_a_use_case_that_breaks_a_promise_is_found_and_its_schedule_replays() -> None:
    went_by = (an_image, a_drop, quiet, dispatching, the_jobs_end)
    naive = History((telling_without_a_lease,), given=went_by, most=((0, 1),))
    with pytest.raises(ViolationError, match="promise 4") as found:
        Explorer("naive", naive).explore()
    _, _, steps = str(found.value).rpartition(":")
    with pytest.raises(ViolationError, match="promise 4"):
        list(replay(Schedules(Unfolding(naive)), steps))


def tell_the_unrecorded_at_the_third_start(ports: Ports) -> None:
    """Each start is on record, so that a function that is killed twice starts a third time in another world."""
    starts = len(ports.store.notices(3))
    notice = Notice(Outcome.HEALED, None, "started", "It started.", ports.clock.now(), {"starts": str(starts)})
    if starts == 2:
        ports.announcer.publish(notice_mail(notice), notice.announcement())
    ports.store.put_notice(notice)


def starting(_: World) -> tuple[Message, ...]:
    return (tell_the_unrecorded_at_the_third_start,)


@pytest.mark.parametrize("most", [((2, 0),), ((2, 1),), ((2, 0), (0, 1))])
def test_what_breaks_after_two_crashes_alone_is_found_and_its_schedule_replays(
    most: tuple[tuple[int, int], ...],
) -> None:
    killed = History((starting,), runs=(0,), most=most)
    with pytest.raises(ViolationError, match="promise 4") as found:
        Explorer("killed", killed).explore()
    _, _, steps = str(found.value).rpartition(":")
    assert sum(letter.isupper() for letter in steps) + sum(letter in AGAIN for letter in steps) == 2
    with pytest.raises(ViolationError, match="promise 4"):
        list(replay(Schedules(Unfolding(killed)), steps))


@pytest.mark.parametrize("history", ["a-drop-while-sealing", "two-markers-at-once"])
def test_a_schedule_that_leads_through_several_acts_and_messages_replays(history: str) -> None:
    unlikely = replace(HISTORIES[history], runs=(99,))
    with pytest.raises(ViolationError, match="should be") as found:
        Explorer(history, unlikely).explore()
    _, _, steps = str(found.value).rpartition(":")
    with pytest.raises(ViolationError, match="should be"):
        list(replay(Schedules(Unfolding(unlikely)), steps))
