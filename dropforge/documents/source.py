"""YAML text into plain data that knows its lines.

The reading is YAML 1.2's core schema rather than PyYAML's 1.1: `on`, `yes` and `no` are text, a date is text, `60:00`
is text, and a number with leading zeros (an account id) stays text. Refused with a sentence: a key that comes twice,
tags, `<<` merges, several documents, and input made to exhaust the reader (size, depth, aliases that multiply).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from dropforge.documents.problems import DocumentError, Location, Problem

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20
MAX_NODES = 20_000

# https://yaml.org/spec/1.2.2/#103-core-schema, without octal, hexadecimal, infinities and leading zeros
_NULL = re.compile(r"~|null|Null|NULL|")
_SCALARS: tuple[tuple[re.Pattern[str], Callable[[str], object]], ...] = (
    (re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text.lower() == "true"),
    (re.compile(r"[-+]?(?:0|[1-9][0-9]*)"), int),
    (re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"), float),
)
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_UNTAGGED = "untagged"


class _Loader(yaml.SafeLoader):
    """Composes nodes without giving meaning to plain text, and tells a tag that the author wrote from none."""

    def resolve(self, kind: type[yaml.Node], value: object, implicit: object) -> str:  # noqa: ARG002
        return _UNTAGGED


@dataclass(frozen=True)
class Source:
    """A document as read: its name (as the user wrote it), its content as plain data, and the line of each location."""

    name: str
    content: object
    lines: dict[Location, int]

    def line_of(self, location: Location) -> int:
        """The line of a location, or of the nearest thing around it that has one."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)


def read(path: Path, verbatim: Collection[str] = ()) -> Source:
    """Read a YAML file. Raises DocumentError when it cannot be read or is not what the module's text allows.

    `verbatim` names top-level members whose scalars are text exactly as they are written: `0.10` stays `0.10`.
    """
    name = str(path)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise _refusal(name, 1, f"cannot be read: {reason}", "name a YAML file that is there and readable") from error
    return parse(data, name, verbatim)


def parse(data: bytes, name: str, verbatim: Collection[str] = ()) -> Source:
    """As `read`, from bytes; `name` is the file's name in what is said about it."""
    if len(data) > MAX_BYTES:
        raise _refusal(name, 1, f"is larger than {MAX_BYTES // 1024} KiB", "keep data out of it and make it shorter")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refusal(name, line, "is not UTF-8", "save the file as UTF-8") from error
    root = _composed(text, name)
    if root is None:
        raise _refusal(name, 1, "is empty", "write the document, or start from `dropforge init`")
    reading = _Reading(name, frozenset(verbatim))
    content = reading.value(root, (), as_text=False)
    if reading.problems:
        raise DocumentError(reading.problems)
    return Source(name, content, reading.lines)


def _composed(text: str, name: str) -> yaml.Node | None:
    try:
        root: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _refusal(name, mark.line + 1 if mark else 1, *_syntax(error, text)) from error
    except yaml.YAMLError as error:
        raise _refusal(name, 1, "holds a character that YAML does not allow", "remove control characters") from error
    except (ValueError, OverflowError) as error:  # of an escape such as \UFFFFFFFF, which PyYAML hands to chr()
        raise _refusal(name, 1, "has an escape that stands for no character", r"write \U0000 to \U0010FFFF") from error
    except RecursionError as error:
        raise _refusal(name, 1, "is nested too deeply", f"nest at most {MAX_DEPTH} levels") from error
    return root


@dataclass
class _Reading:
    """One walk over the composed nodes; gathers lines and problems on the way."""

    name: str
    verbatim: frozenset[str]
    lines: dict[Location, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    nodes: int = 0

    def value(self, node: yaml.Node, location: Location, *, as_text: bool) -> object:
        """The plain data of a node. Aliased nodes are walked at each use, and each use counts."""
        line = node.start_mark.line + 1
        self.lines.setdefault(location, line)
        self.nodes += 1
        if self.nodes > MAX_NODES or len(location) > MAX_DEPTH:
            raise _refusal(
                self.name, line, "holds more than a document of this kind needs", "remove aliases and nesting"
            )
        if node.tag != _UNTAGGED:
            self._refuse(line, f"has the tag `{node.tag}`", "remove the tag; put text in quotes")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, as_text=as_text)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*location, at), as_text=as_text) for at, item in enumerate(node.value)]
        return self._mapping(node, location, as_text=as_text)

    def _scalar(self, node: yaml.ScalarNode, *, as_text: bool) -> object:
        line, text = node.start_mark.line + 1, str(node.value)
        if _HALF_CHARACTER.search(text):
            self._refuse(line, "has an escape that stands for half a character", "write the character itself")
            return None
        try:
            return _scalar(node, as_text=as_text)
        except ValueError:  # https://docs.python.org/3/library/stdtypes.html#int-max-str-digits
            self._refuse(line, f"holds a number of {len(text):,} digits", "write a number that a field can hold")
            return None

    def _mapping(self, node: yaml.Node, location: Location, *, as_text: bool) -> dict[str, object]:
        content: dict[str, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or not key_node.value:
                self._refuse(line, "has a key that is not a name", "write keys as plain text")
                continue
            key = str(key_node.value)
            if key == "<<" and key_node.style is None:
                self._refuse(line, "merges with `<<`", "write the members out")
            elif key in content:
                first = self.lines[*location, key]
                self._refuse(line, f"`{key}` is here a second time (first in line {first})", "remove one of the two")
            else:
                self.lines[*location, key] = line
                text = as_text or (not location and key in self.verbatim)
                content[key] = self.value(value_node, (*location, key), as_text=text)
        return content

    def _refuse(self, line: int, what: str, remedy: str) -> None:
        self.problems.append(Problem(self.name, line, what, remedy))


def _scalar(node: yaml.ScalarNode, *, as_text: bool) -> object:
    text = str(node.value)
    if node.style is not None:  # quoted, literal or folded
        return text
    if _NULL.fullmatch(text):
        return None
    if as_text:
        return text
    return next((convert(text) for pattern, convert in _SCALARS if pattern.fullmatch(text)), text)


def _syntax(error: yaml.MarkedYAMLError, text: str) -> tuple[str, str]:
    """What is wrong with text that is no YAML, and what to do, in words."""
    line = text.splitlines()[error.problem_mark.line] if error.problem_mark and text.splitlines() else ""
    if "\t" in line:
        return "is indented with a tab", "indent with spaces"
    said = error.problem or error.context or "is not YAML"
    if said.startswith("but found another document"):
        return "holds several YAML documents", "remove the `---` lines"
    if "mapping values are not allowed" in said:
        return "has a second `:` in one line", "put text that holds a colon in quotes, or break the line"
    return f"is not YAML: {said}", "check indentation, quotes and brackets in this line and the one before"


def _refusal(name: str, line: int, what: str, remedy: str) -> DocumentError:
    return DocumentError([Problem(name, line, what, remedy)])
