"""A console on which text of others stays text: a commit message, an S3 key or a log commands no terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

# https://invisible-island.net/xterm/ctlseqs/ctlseqs.html: OSC and its kin with their text, CSI, and other escapes
_SEQUENCES = re.compile(
    r"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f]).*?(?:\x07|\x1b\\|\x9c|$)"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|\x1b[ -/]*[0-~]",
    re.MULTILINE,
)
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""All but tab and line feed, and the marks that turn the direction of what follows."""


class PlainConsole(Console):
    """Its own colours and cursor movements pass, since Rich adds these to the text afterwards."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else without_controls(text), style, control)


def without_controls(text: str) -> str:
    return _CONTROLS.sub("", _SEQUENCES.sub("", text))
