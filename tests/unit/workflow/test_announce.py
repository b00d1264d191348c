from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from dropforge.domain.announcement import Announcement, AnnouncementState, Outcome
from dropforge.domain.project import OnPush
from dropforge.workflow.announce import UnknownSubjectError, announce
from dropforge.workflow.ports import BuildFailure
from dropforge.workflow.record_build_failure import record_build_failure
from dropforge.workflow.run_project import RunOrder, run_project
from tests.fakes.interruption import CutOff, Interruption, interrupted
from tests.fakes.memory_jobs import JobEnd
from tests.fakes.world import DIGITS, START, Mailbox, World, stage_of


def with_completed_run(world: World) -> World:
    world.push()
    world.drop("digits/a")
    world.grow_quiet()
    world.dispatch()
    world.finish(world.only_run(), JobEnd(metrics={"accuracy": Decimal("0.97")}))
    return world


def pending_of(world: World) -> Announcement:
    (pending,) = world.store.pending_announcements()
    return pending


def test_a_completed_run_is_told_once_and_its_trail_says_so() -> None:
    world = with_completed_run(World())
    key = pending_of(world).key
    announce(world.ports, key)
    announce(world.ports, key)
    assert world.mailbox.subjects == ["[dropforge] digits completed: accuracy 0.97"]
    announcement = world.store.announcement(key)
    assert announcement is not None
    assert announcement.state is AnnouncementState.SENT
    assert world.only_run().announced == (key.sequence,)


def test_metrics_are_compared_with_the_completed_run_before() -> None:
    world = with_completed_run(World())
    run = run_project(world.ports, RunOrder("digits", "ada", {"epochs": "80"}))
    world.dispatch()
    world.finish(run, JobEnd(metrics={"accuracy": Decimal("0.98")}))
    world.deliver_announcements()
    assert world.mailbox.subjects[-1] == "[dropforge] digits completed: accuracy 0.98 (+0.01, before: 0.97)"


def test_what_somebody_else_is_sending_is_not_sent_beside_them() -> None:
    world = with_completed_run(World())
    key, now = pending_of(world).key, world.clock.now()
    world.store.lease_announcement(key, now, now + timedelta(seconds=60))
    announce(world.ports, key)
    assert world.mailbox.mails == []


def test_what_could_not_be_sent_is_sent_by_the_retry_that_follows_at_once() -> None:
    world = with_completed_run(World())
    key, mailbox = pending_of(world).key, world.mailbox
    with pytest.raises(ConnectionError):
        announce(replace(world.ports, announcer=Mailbox(refusal=ConnectionError())), key)
    announce(world.ports, key)
    assert len(mailbox.mails) == 1


def test_what_somebody_was_killed_over_is_sent_when_their_lease_has_run_out() -> None:
    world = with_completed_run(World())
    key, mailbox = pending_of(world).key, world.mailbox
    at_publish = next(at for at in range(20) if struck(with_completed_run(World()), at) == "publish")
    with pytest.raises(CutOff):
        announce(interrupted(world.ports, Interruption(at_publish, after=False)), key)
    announce(world.ports, key)
    assert mailbox.mails == []
    world.clock.pass_by(seconds=60)
    announce(world.ports, key)
    assert len(mailbox.mails) == 1


def struck(world: World, at: int) -> str:
    """Which call of an announcement comes at that place."""
    interruption = Interruption(at, after=False, strike=lambda: None)
    announce(interrupted(world.ports, interruption), pending_of(world).key)
    return interruption.calls[at]


def test_what_was_sent_and_could_not_be_marked_is_not_sent_again_at_once() -> None:
    world = with_completed_run(World())
    key = pending_of(world).key
    at_commit = next(at for at in range(20) if struck(with_completed_run(World()), at) == "commit")

    def lost() -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        announce(interrupted(world.ports, Interruption(at_commit, after=False, strike=lost)), key)
    announce(world.ports, key)
    assert len(world.mailbox.mails) == 1


def test_where_a_push_only_builds_a_failed_build_says_how_its_data_is_trained_all_the_same() -> None:
    world = World(stage_of(replace(DIGITS, on_push=OnPush.BUILD)))
    world.builds.failures["e1"] = BuildFailure("Build/Image: no Dockerfile")
    notice = record_build_failure(world.ports, "digits", "e1", START)
    assert "have the data trained by `dropforge run digits`" in notice.sentence


def test_a_failed_build_is_told_once_with_its_own_last_words() -> None:
    world = World()
    world.builds.failures["e1"] = BuildFailure("Build/Image: dropforge.yaml:3: unknown field", ("step 1", "error"))
    for _ in range(2):
        record_build_failure(world.ports, "digits", "e1", START)
    world.deliver_announcements()
    ((mail, announcement),) = world.mailbox.mails
    assert (announcement.project, announcement.outcome) == ("digits", Outcome.BUILD_FAILED)
    assert mail.subject == "[dropforge] digits: the build failed"
    assert "Build/Image: dropforge.yaml:3: unknown field. Nothing was trained" in mail.body
    assert "    error\n" in mail.body
    assert world.store.pending_announcements() == ()


def test_a_trail_entry_that_is_missing_is_named_and_its_announcement_stays_pending() -> None:
    world = with_completed_run(World())
    key = pending_of(world).key
    del world.store.trails[key.subject, key.sequence]
    with pytest.raises(UnknownSubjectError, match=f"entry {key.sequence} of the trail of run {key.subject} is missing"):
        announce(world.ports, key)
    assert world.mailbox.mails == []
    assert pending_of(world).key == key
