"""`dropforge show RUN`: everything that is on record of one run."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from dropforge.cli.command import Session, stage_command
from dropforge.cli.exits import CommandError
from dropforge.cli.record import OBJECTS_SHOWN, RunRecord, UsedObject
from dropforge.domain.artifact_layout import manifest_key
from dropforge.domain.drop import ObjectRef
from dropforge.domain.encoding import encode_object
from dropforge.domain.run import Run
from dropforge.domain.run_events import event_from_document
from dropforge.domain.trail import TrailBrokenError, TrailEntry, verify
from dropforge.workflow.find_run import find_run
from dropforge.workflow.ports import Ports

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="Its id, or the first digits of it.")]


@stage_command
def show(session: Session, run: RunArgument) -> None:
    """Show the whole record of a run.

    Code, image and data to the last byte; who asked; what happened when; and what came of it. Its trail is verified
    against the hash that the run itself holds; the command fails when an entry was changed, removed or moved.

    For example:
        dropforge show 3f2a91
        dropforge show 3f2a91 --json
    """
    with session.stage() as workspace:
        ports = workspace.ports
        found = find_run(ports, run.lower())
        trail = ports.store.trail(found.id)
        objects = used_objects(ports, found, None if session.console.as_json else OBJECTS_SHOWN)
    flaw = _flaw(found, trail)
    events = [event_from_document(entry.document()) for entry in trail] if flaw is None else []
    record = RunRecord(found, objects, events)
    if session.console.as_json:
        session.console.document(_document(record, trail, flaw))
    else:
        _print(session, record)
    if flaw is not None:
        raise CommandError(f"The trail of run {found.id} is not what its head says, so do not rely on it: {flaw}.")


def _flaw(run: Run, trail: tuple[TrailEntry, ...]) -> str | None:
    """What is wrong with the trail; None when it is verified. What was appended since the run was read is left out."""
    try:
        verify(trail[: run.trail.sequence], run.trail)
    except TrailBrokenError as broken:
        return str(broken)
    return None


def _print(session: Session, record: RunRecord) -> None:
    headings = [heading for heading, _ in record.sections()]
    width = max(map(len, headings)) + 2
    for heading, lines in record.sections():
        for position, line in enumerate(lines):
            session.console.line(f"{heading if position == 0 else '':<{width}}{line}")


def used_objects(ports: Ports, run: Run, limit: int | None) -> list[UsedObject]:
    """The object versions of the run's data, by its manifest; those up to the limit with the drop that brought them."""
    objects = ports.bucket.manifest(manifest_key(run.project, run.dataset.version)).objects
    refs = [ObjectRef(run.dataset.bucket, each.key, each.version_id) for each in objects]
    drops = ports.store.drops_of(refs[:limit])
    return [UsedObject(version, drops.get(ref)) for version, ref in zip(objects, refs, strict=True)]


def _document(record: RunRecord, trail: tuple[TrailEntry, ...], flaw: str | None) -> dict[str, object]:
    objects = [
        {**encode_object(used.version), "drop": encode_object(used.drop) if used.drop else None}
        for used in record.objects
    ]
    entries = [{**encode_object(entry), "digest": entry.digest, "body": json.loads(entry.body)} for entry in trail]
    verified = {"trail_verified": flaw is None, "trail_flaw": flaw}
    return {"run": encode_object(record.run), "objects": objects, **verified, "trail": entries}
