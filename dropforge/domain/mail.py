"""A mail for a person: what happened, to what, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

LONGEST_SUBJECT = 99
LONGEST_LINE = 500
_TERMINAL_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Mail:
    """`subject` is what SNS takes: ASCII, under 100 characters, no line break
    (https://docs.aws.amazon.com/sns/latest/api/API_Publish.html).
    """

    subject: str
    body: str

    @classmethod
    def of(cls, subject: str, paragraphs: Iterable[str]) -> Mail:
        """The body's paragraphs are parted by empty lines; empty ones are left out."""
        line = "".join(each if " " <= each <= "~" else "?" for each in " ".join(subject.split()))
        shortened = line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 3]}..."
        return cls(shortened or "dropforge", "\n\n".join(each for each in paragraphs if each) + "\n")


def printable(text: str) -> str:
    """One line of somebody else's text, without what a terminal or a mail reader would act on, and not endless."""
    plain = "".join(each if each.isprintable() else " " for each in _TERMINAL_CODES.sub("", text))
    return plain if len(plain) <= LONGEST_LINE else f"{plain[: LONGEST_LINE - 1]}…"


def quoted(title: str, lines: Iterable[str]) -> str:
    """Lines of a log or a list, indented below their title; nothing when there are none."""
    shown = [f"    {printable(line)}" for line in lines]
    return "\n".join([title, *shown]) if shown else ""
