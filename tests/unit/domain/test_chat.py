"""What Amazon Q Developer is given to show in a channel."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from dropforge.domain.announcement import Announcement, AnnouncementKey, Outcome, SubjectKind
from dropforge.domain.chat import LONGEST_DESCRIPTION, chat_message
from dropforge.domain.mail import Mail
from tests.fakes.world import START

RUN = AnnouncementKey(SubjectKind.RUN, "0123456789abcdef0123", 4)
FAILED = Announcement(RUN, "digits", Outcome.FAILED, START)


def test_a_run_s_end_is_a_custom_notification_threaded_by_its_run() -> None:
    message = chat_message(Mail.of("[dropforge] digits failed: exit code 1", ["Reason: it broke"]), FAILED)
    assert message == {
        "version": "1.0",
        "source": "custom",
        "id": "run-0123456789abcdef0123-4",
        "content": {
            "textType": "client-markdown",
            "title": "[dropforge] digits failed: exit code 1",
            "description": "```\nReason: it broke\n```",
            "nextSteps": ["`dropforge show 0123456789abcdef0123`"],
            "keywords": ["digits", "failed"],
        },
        "metadata": {
            "threadId": "run-0123456789abcdef0123",
            "summary": "[dropforge] digits failed: exit code 1",
            "eventType": "dropforge.failed",
            "additionalContext": {"outcome": "failed", "run": "0123456789abcdef0123", "project": "digits"},
        },
    }


def test_a_notice_of_no_project_says_where_to_look() -> None:
    key = AnnouncementKey(SubjectKind.NOTICE, "f" * 20)
    message = chat_message(Mail.of("stray", ["hm"]), Announcement(key, None, Outcome.REFUSED, START))
    content = message["content"]
    assert isinstance(content, dict)
    assert content["nextSteps"] == ["`dropforge notices`"]
    assert content["keywords"] == ["refused"]


@given(st.text(alphabet="<!@&`;ab \n", max_size=20_000) | st.text(max_size=300))
def test_nothing_that_others_wrote_mentions_a_channel_breaks_out_or_is_too_long(text: str) -> None:
    content = chat_message(Mail(text, text), FAILED)["content"]
    assert isinstance(content, dict)
    description = content["description"]
    assert len(description) <= LONGEST_DESCRIPTION
    inner = description.removeprefix("```\n").removesuffix("\n```")
    assert not set("<>`") & set(inner + content["title"])
    assert not re.search(r"&(?!amp;|lt;|gt;)", inner)
