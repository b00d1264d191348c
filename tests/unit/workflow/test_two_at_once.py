"""Two functions at the same moment: the second does all its work between two calls of the first."""

from __future__ import annotations

from functools import partial
from itertools import count

import pytest

from dropforge.workflow.register_image import register_image
from dropforge.workflow.seal_dataset import seal_dataset
from tests.fakes.interruption import Interruption, interrupted
from tests.fakes.stories import STORIES, check_one_of_each, messages_of
from tests.fakes.world import World


@pytest.mark.parametrize("story", STORIES)
def test_a_message_that_is_delivered_twice_at_once_makes_one_run_one_job_and_one_mail(story: str) -> None:
    for at in count():
        world, messages = messages_of(story)
        interruption = Interruption(at, after=False)
        ports = interrupted(world.ports, interruption)
        for message in messages:
            interruption.strike = partial(message, world.ports)
            message(ports)
        if not interruption.happened:
            assert at > 40
            break
        check_one_of_each(world, interruption.calls[at])
        assert len(world.mailbox.mails) == 1


@pytest.mark.parametrize("image_is_first", [False, True])
def test_an_image_and_data_that_arrive_at_once_find_each_other(image_is_first: bool) -> None:
    for at in count():
        world = World()
        built = world.built()
        world.drop("digits/a")
        world.clock.pass_by(seconds=61)
        image, data = partial(register_image, built=built), partial(seal_dataset, project_name="digits")
        first, second = (image, data) if image_is_first else (data, image)
        interruption = Interruption(at, after=False, strike=partial(second, world.ports))
        first(interrupted(world.ports, interruption))
        if not interruption.happened:
            break
        assert len(world.store.runs) == 1, interruption.calls[at]
        assert world.wakeups.dispatches >= 1
    assert at >= 3


@pytest.mark.parametrize("story", ["data, then image", "image, then data"])
def test_a_drop_at_any_moment_of_the_sealing_is_trained_on_in_the_end(story: str) -> None:
    """Either the version that is being made holds the late object, or the next one does."""
    for at in count():
        world = World()
        world.drop("digits/early")
        world.clock.pass_by(seconds=61)
        if story == "image, then data":
            world.push()
        interruption = Interruption(at, after=False, strike=partial(world.drop, "digits/late"))
        seal_dataset(interrupted(world.ports, interruption), "digits")
        if not interruption.happened:
            break
        world.grow_quiet()
        data = world.store.head("digits").data
        assert data is not None
        assert data.dataset.objects == 2, interruption.calls[at]
