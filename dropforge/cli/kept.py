"""How long what a run needs is kept, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dropforge.cli import wording
from dropforge.domain.keeping import Keeping, Kept, Span

NAMED = 5
"""Of what is kept for the same time, so many by name."""


def kept_lines(kept: Sequence[Keeping]) -> Iterator[str]:
    """A line for each time, with what is kept so long."""
    together: dict[Span, list[str]] = {}
    for each in kept:
        together.setdefault(each.span, []).append(each.what)
    for span, names in together.items():
        more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
        yield f"{_how_long(span)}: {', '.join(names[:NAMED])}{more}"


def _how_long(span: Span) -> str:
    match span.kept:
        case Kept.FOR_EVER:
            return "for ever"
        case Kept.UNTIL:
            return f"until {wording.moment(span.at)}" if span.at is not None else "for a while"
        case Kept.WHILE_CURRENT:
            return f"until {span.days} days after it is replaced or deleted"
        case Kept.GONE:
            return (
                f"gone since {wording.moment(span.at)}" if span.at is not None else "gone, AWS does not tell since when"
            )
