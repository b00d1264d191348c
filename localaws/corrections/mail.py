"""SNS sends e-mail, and only to addresses whose owners have confirmed; the emulator logs that it would.

https://docs.aws.amazon.com/sns/latest/dg/sns-email-notifications.html
https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.confirm.html (a subscription is pending until confirmed)
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from ministack.services import sns

from localaws.corrections.wrapping import wrap, wrap_resource
from localaws.mailbox import Invitation, deliver, invite
from localaws.runtime import Runtime

_PROTOCOLS = ("email", "email-json")
_INVITED = "localaws_invited"
_DEFAULT_SUBJECT = "AWS Notification Message"
_Answer: TypeAlias = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class _Published:
    """One published message, in the order in which the emulator hands it to its fan-out."""

    topic_arn: str
    id: str
    message: str
    subject: str | None
    structure: str = ""
    attributes: dict[str, Any] | None = None
    group_id: str = ""
    deduplication_id: str = ""


def install(runtime: Runtime) -> None:
    """Write a file for each message and subscriber; hold messages until the subscriber has confirmed."""

    def subscribe(original: Callable[..., Any], *arguments: Any) -> Any:
        answer = original(*arguments)
        for topic in list(sns._topics.values()):
            _invite_new(runtime, topic)
        return answer

    def fan_out(original: Callable[..., None], *published: Any, **fifo: Any) -> None:
        original(*published, **fifo)
        _deliver(runtime, _Published(*published))

    wrap(sns, "_subscribe", subscribe)
    wrap(sns, "_list_subscriptions", _hide_unconfirmed)
    wrap(sns, "_list_subscriptions_by_topic", _hide_unconfirmed)
    wrap(sns, "_fanout", fan_out)
    wrap_resource("AWS::SNS::Topic", subscribe, "create", "update")
    wrap_resource("AWS::SNS::Subscription", subscribe, "create", "update")


def _hide_unconfirmed(original: Callable[..., _Answer], *arguments: Any) -> _Answer:
    """A subscription is listed without its ARN until it is confirmed.

    https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html
    """
    status, headers, body = original(*arguments)
    for topic in sns._topics.values():
        for subscription in topic["subscriptions"]:
            if not subscription.get("confirmed", True):
                body = body.replace(f">{subscription['arn']}<".encode(), b">PendingConfirmation<")
    return status, headers, body


def _invite_new(runtime: Runtime, topic: dict[str, Any]) -> None:
    for subscription in topic["subscriptions"]:
        if subscription["protocol"] not in _PROTOCOLS or subscription.get(_INVITED):
            continue
        subscription[_INVITED] = True
        subscription["confirmed"] = False
        subscription["token"] = uuid.uuid4().hex
        subscription["attributes"]["PendingConfirmation"] = "true"
        invitation = Invitation(subscription["endpoint"], topic["arn"], subscription["token"])
        invite(runtime.home.mail, invitation, runtime.endpoint)


def _deliver(runtime: Runtime, published: _Published) -> None:
    topic = sns._topic_by_arn_any_scope(published.topic_arn)
    attributes = published.attributes or {}
    for subscription in topic["subscriptions"] if topic else ():
        protocol = subscription["protocol"]
        if protocol not in _PROTOCOLS or not subscription.get("confirmed"):
            continue
        text = sns._resolve_message_for_protocol(published.message, published.structure, protocol)
        if not sns._matches_filter_policy(subscription, attributes, text):
            continue
        if protocol == "email-json":
            raw = False
            text = sns._build_envelope(published.topic_arn, published.id, text, published.subject, attributes, raw)
        deliver(runtime.home.mail, subscription["endpoint"], published.subject or _DEFAULT_SUBJECT, text)
