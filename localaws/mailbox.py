"""E-mail as files that a person can open: what SNS would have sent, in RFC 5322 form."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

_SENDER = "AWS Notifications <no-reply@sns.amazonaws.com>"
_LONGEST_LINE = 240  # characters, at four bytes each below the 998 that RFC 5322 allows
_TOPIC = "X-Localaws-Topic"
_TOKEN = "X-Localaws-Confirmation-Token"  # noqa: S105  (a header's name)


@dataclass(frozen=True)
class Invitation:
    """A subscription that its subscriber has been asked to confirm."""

    address: str
    topic_arn: str
    token: str


def deliver(folder: Path, address: str, subject: str, text: str, headers: Mapping[str, str] | None = None) -> Path:
    """Write one message to one subscriber as a file of its own; return the file.

    The file appears under its name when it is complete. Names sort by time.
    """
    message = EmailMessage()
    now = dt.datetime.now(dt.UTC)
    message["From"] = _SENDER
    message["To"] = address
    message["Subject"] = re.sub(r"\s+", " ", subject)
    message["Date"] = now
    message["Message-ID"] = f"<{uuid.uuid4()}@sns.localaws>"
    for name, value in (headers or {}).items():
        message[name] = value
    readable = max(map(len, text.splitlines()), default=0) < _LONGEST_LINE
    message.set_content(text, cte="8bit" if readable else "quoted-printable")
    stem = re.sub(r"[^\w.@+-]+", "-", f"{now:%Y%m%dT%H%M%S.%f}Z {address} {subject}")[:150].strip("-.")
    target = folder / f"{stem}.eml"
    unfinished = target.with_suffix(".partial")
    unfinished.write_bytes(message.as_bytes())
    return unfinished.rename(target)


def invite(folder: Path, invitation: Invitation, endpoint: str) -> None:
    """Ask a subscriber to confirm, as AWS does before it sends anything else to an address."""
    name = invitation.topic_arn.rpartition(":")[2]
    text = (
        f"You have chosen to subscribe to the topic:\n{invitation.topic_arn}\n\n"
        "On AWS you would follow a link. Here, run one of\n\n"
        f"  python -m localaws subscription confirm {invitation.address}\n"
        f"  aws sns confirm-subscription --endpoint-url {endpoint} \\\n"
        f"    --topic-arn {invitation.topic_arn} --token {invitation.token}\n\n"
        "If it was not you, do nothing.\n"
    )
    headers = {_TOPIC: invitation.topic_arn, _TOKEN: invitation.token}
    deliver(folder, invitation.address, f"AWS Notification - Subscription Confirmation ({name})", text, headers)


def invitations(folder: Path) -> Iterator[Invitation]:
    """Yield every invitation that was ever sent, oldest first."""
    for message in _messages(folder):
        if message[_TOKEN]:
            yield Invitation(str(message["To"]), str(message[_TOPIC]), str(message[_TOKEN]))


def letters(folder: Path, address: str | None = None, *, with_invitations: bool = False) -> Iterator[str]:
    """Yield what arrived, for one address or all, as its reader would see it, oldest first."""
    for message in _messages(folder):
        if (message[_TOKEN] and not with_invitations) or address not in {None, str(message["To"])}:
            continue
        headers = "\n".join(
            f"{name + ':':<9}{str(message[name]).strip()}" for name in ("From", "To", "Subject", "Date")
        )
        yield f"{headers}\n\n{message.get_content().strip()}\n"


def _messages(folder: Path) -> Iterator[EmailMessage]:
    for file in sorted(folder.glob("*.eml")):
        yield email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
