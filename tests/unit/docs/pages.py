"""The pages of the documentation as text: sections, tables, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])

_LINK = re.compile(r"\]\((?!https?://|mailto:)([^)\s]+)\)")
_CODE_BLOCK = re.compile(r"^\s*```.*?^\s*```", re.MULTILINE | re.DOTALL)
_CELLS = re.compile(r"(?<!\\)\|")
_CODE = re.compile(r"`([^`]+)`")


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def section(text: str, title: str) -> str:
    """What stands below a heading, up to the next heading of the same or a higher level."""
    found = re.search(rf"^(#+) {re.escape(title)}$", text, re.MULTILINE)
    assert found is not None, f"there is no section {title!r}"
    rest = text[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def rows(text: str) -> Iterator[list[str]]:
    """The rows of every table in a text, without headings: the text of each cell."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        is_row = line.startswith("|") and not set(line) <= set("|-: ")
        is_heading = number + 1 < len(lines) and lines[number + 1].startswith("| ---")
        if is_row and not is_heading:
            yield [cell.strip() for cell in _CELLS.split(line)[1:-1]]


def code(text: str) -> list[str]:
    """What stands between backticks."""
    return _CODE.findall(_CODE_BLOCK.sub("", text))


def links(text: str) -> list[str]:
    """Targets of links within the tree."""
    return _LINK.findall(_CODE_BLOCK.sub("", text))


def anchors(text: str) -> set[str]:
    """What a link may name after `#`: headings, as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", _CODE_BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
