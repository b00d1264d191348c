r"""Glob patterns as CodePipeline's trigger filters read them.

Follows "Working with glob patterns in syntax" of the CodePipeline user guide (syntax-glob.html): `*` stays within a
directory, `**` crosses directories, `?` is one character, `[…]` one of a set, `{a,b}` one of several, `\` escapes;
a leading dot is an ordinary character.
"""

from __future__ import annotations

import functools
import re


class GlobError(ValueError):
    """The pattern cannot be read; the message says where it breaks."""


def matches(pattern: str, name: str) -> bool:
    """Whether `name` (a branch, a tag or a path with forward slashes) matches the whole of `pattern`."""
    return _compiled(pattern).fullmatch(name) is not None


@functools.lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(_Translation(pattern).expression(), re.DOTALL)


class _Translation:
    """One pass over a pattern, from left to right."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.position = 0
        self.in_group = False

    def expression(self) -> str:
        parts: list[str] = []
        while self.position < len(self.pattern):
            parts.append(self._next())
        if self.in_group:
            raise GlobError(f"The pattern {self.pattern!r} opens a {{ group that it never closes.")
        return "".join(parts)

    def _next(self) -> str:
        character = self._take()
        simple = {"?": "[^/]"}.get(character)
        if simple is not None:
            return simple
        if character == "*":
            return self._stars()
        if character == "\\":
            return self._escaped()
        if character == "[":
            return self._set()
        return self._group_or_literal(character)

    def _take(self) -> str:
        character = self.pattern[self.position]
        self.position += 1
        return character

    def _stars(self) -> str:
        if self.pattern[self.position : self.position + 1] != "*":
            return "[^/]*"
        self.position += 1
        return ".*"

    def _escaped(self) -> str:
        if self.position == len(self.pattern):
            raise GlobError(f"The pattern {self.pattern!r} ends in a backslash that escapes nothing.")
        return re.escape(self._take())

    def _set(self) -> str:
        end = self.pattern.find("]", self.position + 1)
        if end == -1:
            raise GlobError(f"The pattern {self.pattern!r} opens a [ set that it never closes.")
        members = self.pattern[self.position : end]
        self.position = end + 1
        negated = members.startswith("!")
        body = members[1:] if negated else members
        first, rest = ("\\-", body[1:]) if body.startswith("-") else ("", body)
        escaped = first + re.sub(r"([\\\[\]^&~|])", r"\\\1", rest)
        # The look-ahead keeps a set, negated or not, within one directory.
        return f"(?!/)[{'^' if negated else ''}{escaped}]"

    def _group_or_literal(self, character: str) -> str:
        if character == "{":
            if self.in_group:
                raise GlobError(f"The pattern {self.pattern!r} nests one {{ group in another.")
            self.in_group = True
            return "(?:"
        if self.in_group and character in ",}":
            self.in_group = character == ","
            return "|" if character == "," else ")"
        return re.escape(character)
