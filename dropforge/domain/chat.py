"""The same message for a chat channel, in the schema of Amazon Q Developer's custom notifications.

https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html : `version` is "1.0" and `source` "custom"; all
text is markdown of the chat's own kind, so what others wrote must not be able to mention a channel or break out.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from dropforge.domain.announcement import Announcement, SubjectKind
from dropforge.domain.mail import Mail

LONGEST_TITLE = 250
LONGEST_DESCRIPTION = 8_000
_CUT = "\n…"
_ESCAPED: Final = MappingProxyType(str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "`": "'"}))
"""What Slack asks to be escaped (https://docs.slack.dev/messaging/formatting-message-text), and the code mark."""


def chat_message(mail: Mail, announcement: Announcement) -> dict[str, object]:
    """A notification that a channel shows with the mail's words, and threads by what it is about."""
    key, outcome = announcement.key, announcement.outcome.value
    about = {"outcome": outcome, key.kind.value: key.subject}
    if announcement.project is not None:
        about["project"] = announcement.project
    return {
        "version": "1.0",
        "source": "custom",
        "id": f"{key.kind.value}-{key.subject}-{key.sequence}",
        "content": {
            "textType": "client-markdown",
            "title": _shortened(mail.subject.translate(_ESCAPED), LONGEST_TITLE),
            "description": _code_block(mail.body),
            "nextSteps": [_next_step(announcement)],
            "keywords": [word for word in (announcement.project, outcome) if word is not None],
        },
        "metadata": {
            "threadId": f"{key.kind.value}-{key.subject}",
            "summary": _shortened(mail.subject.translate(_ESCAPED), LONGEST_TITLE),
            "eventType": f"dropforge.{outcome}",
            "additionalContext": about,
        },
    }


def _code_block(text: str) -> str:
    """Columns stay columns, and nothing within is markdown."""
    return f"```\n{_shortened(text.translate(_ESCAPED).rstrip(), LONGEST_DESCRIPTION - 8)}\n```"


def _next_step(announcement: Announcement) -> str:
    if announcement.key.kind is SubjectKind.RUN:
        return f"`dropforge show {announcement.key.subject}`"
    return "`dropforge notices`"


def _shortened(text: str, longest: int) -> str:
    """Cut so that no escape is cut in two."""
    if len(text) <= longest:
        return text
    kept = text[: longest - len(_CUT)]
    broken = kept.rfind("&")
    return (kept[:broken] if broken > len(kept) - 5 and ";" not in kept[broken:] else kept) + _CUT
