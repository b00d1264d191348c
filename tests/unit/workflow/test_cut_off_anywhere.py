"""Whatever is killed at whatever call, delivering the same messages again ends in the same single run."""

from __future__ import annotations

from itertools import count

import pytest

from dropforge.workflow.ports import Ports
from tests.fakes.interruption import CutOff, Interruption, interrupted
from tests.fakes.stories import STORIES, Message, check_one_of_each, messages_of
from tests.fakes.world import World


def play(story: str, interruption: Interruption) -> World:
    """Deliver every message of the story twice, and once more where it was cut off."""
    world, messages = messages_of(story)
    ports = interrupted(world.ports, interruption)
    for message in messages:
        deliver(message, ports)
        deliver(message, ports)
    return world


def deliver(message: Message, ports: Ports) -> None:
    try:
        message(ports)
    except CutOff:
        message(ports)


@pytest.mark.parametrize("after", [False, True], ids=["before its effect", "after its effect"])
@pytest.mark.parametrize("story", STORIES)
def test_one_run_one_job_one_trail_one_mail(story: str, after: bool) -> None:
    for at in count():
        interruption = Interruption(at, after)
        world = play(story, interruption)
        if not interruption.happened:
            assert at > 40
            break
        check_one_of_each(world, interruption.calls[at])
        # The one window in which a mail is sent twice: published, and cut off before that was written down.
        last_done = interruption.calls[at if after else at - 1]
        assert len(world.mailbox.mails) == (2 if last_done == "publish" else 1)
