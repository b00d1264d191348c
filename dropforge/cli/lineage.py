"""`dropforge lineage X`: what a thing was made from, and what was made from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Annotated

import typer

from dropforge.cli.command import Session, stage_command
from dropforge.cli.exits import UsageError
from dropforge.domain.lineage import Lineage, Thing, ThingKind
from dropforge.workflow.trace_lineage import trace_lineage


class LineageFormat(Enum):
    TREE = "tree"
    MERMAID = "mermaid"


SHOWN_IN_WORDS = {
    ThingKind.COMMIT: ("branch", "claimed_author"),
    ThingKind.IMAGE: ("project",),
    ThingKind.DATASET: ("project", "objects"),
    ThingKind.OBJECT: ("put_by", "from"),
    ThingKind.RUN: (),
    ThingKind.MODEL: (),
}
"""Which facts stand beside a thing in a tree; of a run and a model, all."""


@stage_command
def lineage(
    session: Session,
    thing: Annotated[
        str,
        typer.Argument(
            metavar="X", help="A commit, image, dataset version, run or model; an object as s3://… or by its key."
        ),
    ],
    version: Annotated[str | None, typer.Option(help="Of an object: this version of it; else every one.")] = None,
    form: Annotated[LineageFormat, typer.Option("--format", help="A tree, or a Mermaid chart.")] = LineageFormat.TREE,
) -> None:
    """Show what came of what, from anything to everything.

    Name a commit, an image or a dataset version by its digest, a run, an object of the training bucket, or a model by
    its address or its SHA-256. What it was made from and what was made from it follow, down to commits, objects and
    models.

    For example:
        dropforge lineage 3f2a91
        dropforge lineage s3://my-training-bucket/digits/digits.csv --format mermaid
        sha256sum model.tar.gz | cut -d' ' -f1 | xargs dropforge lineage --json
    """
    if session.console.as_json and form is not LineageFormat.TREE:
        raise UsageError("Give either --json or --format: the answer has one form.")
    with session.stage() as workspace:
        found = trace_lineage(workspace.ports, thing, version)
    if session.console.as_json:
        session.console.document(_document(found))
        return
    for line in _tree(found) if form is LineageFormat.TREE else _mermaid(found):
        session.console.line(line)
    for sentence in found.more:
        session.console.note(f"There is more: {sentence}.")


def _document(found: Lineage) -> dict[str, object]:
    numbers = {thing: number for number, thing in enumerate(found.facts)}
    return {
        "subjects": [numbers[each] for each in found.subjects],
        "things": [{**facts, "kind": each.kind.value, "name": each.name} for each, facts in found.facts.items()],
        "links": [[numbers[source], numbers[target]] for source, target in found.links],
        "more": list(found.more),
    }


def _tree(found: Lineage) -> Iterator[str]:
    for subject in found.subjects:
        yield _words(found, subject)
        yield from _branches(_around(found, subject, None), "", found)


Branch = tuple[str, Thing, Thing]
"""How a thing hangs on the one above it, the thing, and the one above."""


def _around(found: Lineage, thing: Thing, above: Thing | None) -> list[Branch]:
    """What was made from the thing, and what else it was made from."""
    gave = [("gave", each, thing) for each in found.downstream(thing)]
    return gave + [("made from", each, thing) for each in found.upstream(thing) if each != above]


def _branches(branches: Sequence[Branch], indent: str, found: Lineage) -> Iterator[str]:
    for number, (how, thing, above) in enumerate(branches, start=1):
        is_last = number == len(branches)
        yield f"{indent}{'└─' if is_last else '├─'} {how} {_words(found, thing)}"
        # Up from a thing it goes up only: down again would be to what is beside, and round in circles.
        below = [("made from", each, thing) for each in found.upstream(thing)]
        deeper = below if how == "made from" else _around(found, thing, above)
        yield from _branches(deeper, indent + ("   " if is_last else "│  "), found)


def _words(found: Lineage, thing: Thing) -> str:
    facts = found.facts[thing]
    names = SHOWN_IN_WORDS[thing.kind] or tuple(facts)
    told = ", ".join(f"{name.replace('_', ' ')} {facts[name]}" for name in names if name in facts)
    return f"{thing.kind.value} {thing.name}" + (f" ({told})" if told else "")


def _mermaid(found: Lineage) -> Iterator[str]:
    """https://mermaid.js.org/syntax/flowchart.html; `#quot;` and its kin stand for what would end the text."""
    yield "flowchart LR"
    names = {thing: f"n{number}" for number, thing in enumerate(found.facts)}
    for thing, name in names.items():
        text = thing.name.replace("#", "#35;").replace('"', "#quot;").replace("<", "#lt;")
        yield f'  {name}["{thing.kind.value} {text}"]'
    for source, target in found.links:
        yield f"  {names[source]} --> {names[target]}"
    for subject in found.subjects:
        yield f"  style {names[subject]} stroke-width:3px"
