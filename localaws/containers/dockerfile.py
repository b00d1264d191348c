"""The syntax of a Dockerfile: instructions with their line numbers, words, quotes and variables.

Follows https://docs.docker.com/reference/dockerfile/. What the instructions mean is in `plan.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_VARIABLE = re.compile(r"\$(?:(?P<plain>\w+)|\{(?P<braced>\w+)(?::(?P<operator>[-+])(?P<word>[^}]*))?\})")
_DIRECTIVE = re.compile(r"#\s*escape\s*=\s*(\S)", re.IGNORECASE)


class BuildError(Exception):
    """An image cannot be built; the message says where, why, and what to do."""


class DockerfileError(BuildError):
    """A line of a Dockerfile is wrong, or cannot be honoured without a container engine."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"Dockerfile line {line}: {message}")
        self.line = line


@dataclass(frozen=True)
class Instruction:
    """One instruction; `text` is all that follows the keyword and its flags, continuation lines joined."""

    line: int
    keyword: str
    flags: tuple[tuple[str, str], ...]
    text: str

    @property
    def shown(self) -> str:
        """The instruction as a message quotes it, shortened."""
        words = " ".join([self.keyword, *(f"--{name}={value}" for name, value in self.flags), self.text])
        return words if len(words) <= 70 else words[:67] + "..."

    def refused(self, why: str = "") -> DockerfileError:
        """Return the error for an instruction that only an engine can perform."""
        reason = f" ({why})" if why else ""
        return DockerfileError(
            self.line,
            f'"{self.shown}" cannot be honoured without a container engine{reason}. It works with Docker or Podman'
            " running on this machine, and on AWS.",
        )

    def wrong(self, why: str) -> DockerfileError:
        """Return the error for an instruction that no engine would accept either."""
        return DockerfileError(self.line, f'"{self.shown}": {why}')


def instructions(text: str) -> Iterator[Instruction]:
    """Yield the instructions of a Dockerfile; raise DockerfileError for what is not even syntax."""
    for number, line in _logical_lines(text):
        keyword, _, rest = line.partition(" ")
        flags, rest = _flags(rest.strip())
        instruction = Instruction(number, keyword.upper(), flags, rest)
        if not keyword.isalpha():
            raise DockerfileError(number, f'"{line[:70]}" does not begin with an instruction.')
        if "<<" in rest and re.search(r"<<-?[\"']?\w", rest):
            raise instruction.refused("a here-document")
        yield instruction


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield (number of the first line, text) with continuations joined, comments and empty lines dropped."""
    first, parts = 0, list[str]()
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        directive = _DIRECTIVE.match(line)
        if directive and not first and directive[1] != "\\":
            raise DockerfileError(number, "another escape character than the backslash is not supported here.")
        if not line or line.startswith("#"):
            continue
        first = first or number
        if line.endswith("\\"):
            parts.append(line[:-1].strip())
            continue
        yield first, " ".join([*parts, line]).replace("\t", " ")
        first, parts = 0, []
    if parts:
        yield first, " ".join(parts)


def _flags(text: str) -> tuple[tuple[tuple[str, str], ...], str]:
    found = list[tuple[str, str]]()
    while text.startswith("--"):
        flag, _, text = text.partition(" ")
        name, _, value = flag[2:].partition("=")
        found.append((name, value))
        text = text.strip()
    return tuple(found), text


def words(instruction: Instruction, variables: Mapping[str, str]) -> list[str]:
    """Split text into words, removing quotes and replacing variables as Docker does (not inside single quotes)."""
    result, current, quote, started = list[str](), "", "", False
    text, position = instruction.text, 0
    while position < len(text):
        character = text[position]
        if character == "\\" and quote != "'" and position + 1 < len(text):
            current, position, started = current + text[position + 1], position + 2, True
            continue
        variable = _VARIABLE.match(text, position) if quote != "'" else None
        if variable:
            current, position, started = current + _value(variable, variables), variable.end(), True
            continue
        if character in "\"'" and quote in ("", character):
            quote, started = ("" if quote else character), True
        elif character == " " and not quote:
            result, current, started = ([*result, current] if started else result), "", False
        else:
            current, started = current + character, True
        position += 1
    if quote:
        raise instruction.wrong("a quote is not closed.")
    return [*result, current] if started else result


def _value(variable: re.Match[str], variables: Mapping[str, str]) -> str:
    value = variables.get(variable["plain"] or variable["braced"], "")
    if variable["operator"] == "-":
        return value or variable["word"]
    if variable["operator"] == "+":
        return variable["word"] if value else ""
    return value


def json_words(instruction: Instruction) -> tuple[str, ...] | None:
    """Return the words of the exec form, `["python", "train.py"]`; None for the shell form."""
    if not instruction.text.startswith("["):
        return None
    try:
        found = json.loads(instruction.text)
    except ValueError:
        return None  # as Docker does: what is not JSON is a shell command
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        return None
    return tuple(found)
