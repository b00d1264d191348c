"""Everything under a project's prefix is deleted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dropforge.domain.announcement import Outcome
from dropforge.domain.project import PinMode, PinPolicy
from tests.fakes.world import DIGITS, World, stage_of


def emptied(world: World) -> World:
    world.drop("digits/a")
    world.grow_quiet()
    world.delete("digits/a")
    world.grow_quiet()
    return world


@pytest.mark.parametrize("mode", PinMode)
def test_the_project_keeps_its_data_and_a_notice_says_so_once(mode: PinMode) -> None:
    world = emptied(World(stage_of(replace(DIGITS, pin=PinPolicy(mode)))))
    data = world.store.head("digits").data
    assert data is not None
    (notice,) = world.store.notices(10)
    assert (notice.kind, notice.project) == (Outcome.REFUSED, "digits")
    assert f"the project keeps its latest data ({data.dataset.version})" in notice.sentence
    assert ("so such a run fails" in notice.sentence) is (mode is PinMode.VERIFY)
    world.grow_quiet()
    world.deliver_announcements()
    assert world.mailbox.subjects == ["[dropforge] digits: no data is left"]


def test_a_push_trains_with_the_data_that_the_project_keeps() -> None:
    world = emptied(World())
    assert world.push().run is not None


def test_what_came_and_went_before_anything_was_sealed_is_not_worth_a_mail() -> None:
    world = World()
    world.drop("digits/a")
    world.delete("digits/a")
    world.grow_quiet()
    assert world.store.notices(10) == ()
