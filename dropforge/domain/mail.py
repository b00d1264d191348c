"""A mail for a person: what happened, to what, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_SUBJECT = 99


@dataclass(frozen=True)
class Mail:
    """`subject` is what SNS takes: ASCII, under 100 characters, no line break
    (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html).
    """

    subject: str
    body: str

    @classmethod
    def of(cls, subject: str, body: str) -> Mail:
        printable = "".join(each if " " <= each <= "~" else "?" for each in " ".join(subject.split()))
        shortened = printable if len(printable) <= LONGEST_SUBJECT else printable[: LONGEST_SUBJECT - 3] + "..."
        return cls(shortened, body)
