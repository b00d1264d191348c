"""Mail to people, and the same to their chat, through the stage's SNS topic.

One publish carries both, each for its own protocol (`MessageStructure`), so that there is one thing that can fail:
mail and whoever else subscribes get the text, `https` (which is how Amazon Q Developer subscribes) its own schema.
https://docs.aws.amazon.com/sns/latest/api/API_Publish.html

Subscriptions filter by the attributes `project` and `outcome`:
https://docs.aws.amazon.com/sns/latest/dg/sns-message-filtering.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from dropforge.adapters.clients import AwsClients
from dropforge.domain.announcement import Announcement
from dropforge.domain.chat import chat_message
from dropforge.domain.mail import Mail

if TYPE_CHECKING:
    from mypy_boto3_sns.type_defs import MessageAttributeValueTypeDef

PROJECT_ATTRIBUTE: Final = "project"
OUTCOME_ATTRIBUTE: Final = "outcome"

_LONGEST_BODY: Final = 60_000
"""Bytes; SNS takes 256 KiB of a message with its attributes, and as JSON a byte can take six."""


class SnsAnnouncer:
    """Publishes to the topic whose subscriptions the stacks make."""

    def __init__(self, clients: AwsClients, topic_arn: str) -> None:
        self._clients = clients
        self._topic_arn = topic_arn

    def publish(self, mail: Mail, announcement: Announcement) -> None:
        """An announcement of no project reaches only those who hear of every project: ops."""
        attributes = {OUTCOME_ATTRIBUTE: _text(announcement.outcome.value)}
        if announcement.project is not None:
            attributes[PROJECT_ATTRIBUTE] = _text(announcement.project)
        body = mail.body.encode()[:_LONGEST_BODY].decode(errors="ignore")
        messages = {"default": body, "https": json.dumps(chat_message(mail, announcement), ensure_ascii=False)}
        self._clients.sns.publish(
            TopicArn=self._topic_arn,
            Subject=mail.subject,
            Message=json.dumps(messages, ensure_ascii=False),
            MessageStructure="json",
            MessageAttributes=attributes,
        )


def _text(value: str) -> MessageAttributeValueTypeDef:
    return {"DataType": "String", "StringValue": value}
