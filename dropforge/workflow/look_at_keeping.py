"""How long everything that a run needs is kept, and what of it is gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from dropforge.domain.artifact_layout import channel_files_key, reproduction_files_key
from dropforge.domain.dataset import ObjectVersion
from dropforge.domain.job_names import job_names
from dropforge.domain.keeping import FOR_EVER, GONE, Keeping, Kept, Span
from dropforge.domain.pinning import ChannelFiles
from dropforge.domain.run import Run
from dropforge.workflow.ports import Ports


def look_at_keeping(ports: Ports, run: Run, objects: Sequence[ObjectVersion]) -> Iterator[Keeping]:
    """Image, data, model and log; of the data these objects, one request each (two of what is gone)."""
    there = ports.registry.holds(run.project, run.image.digest)
    yield Keeping("image", FOR_EVER if there else GONE)
    yield from _data(ports, run, objects)
    result = run.result
    if result is not None and result.model is not None:
        yield Keeping("model", ports.lifespans.of_model(result.model))
    if result is not None and result.ended_at is not None:
        yield Keeping("log", _passed(ports.lifespans.of_log(result.ended_at), ports.clock.now()))


def _passed(span: Span, now: datetime) -> Span:
    """What had to be gone by now is."""
    return Span(Kept.GONE, span.at) if span.at is not None and span.at <= now else span


def _data(ports: Ports, run: Run, objects: Sequence[ObjectVersion]) -> Iterator[Keeping]:
    """Copies where there are any: only one that is gone makes the version that was dropped matter."""
    channels = dict.fromkeys(each.channel for each in objects)
    copies = {each: key for channel in channels for each, key in _copies(ports, run, channel, objects)}
    spans = ports.lifespans.of_copies(list(copies.values()))
    gone = [each for each in objects if each not in copies or spans[copies[each]].kept is Kept.GONE]
    dropped = ports.lifespans.of_dropped([each.listed for each in gone])
    for each in objects:
        if each in copies:
            yield Keeping(f"copy of {each.key}", spans[copies[each]])
        if each in gone:
            yield Keeping(f"{each.key}, version {each.version_id}", dropped[each.listed])


def _copies(
    ports: Ports, run: Run, channel: str, objects: Sequence[ObjectVersion]
) -> Iterator[tuple[ObjectVersion, str]]:
    """Those objects of the channel whose copies the job was given, with the key of each."""
    files = _files(ports, run, channel)
    by_key = {each.key: each for each in objects if each.channel == channel}
    names = job_names(channel, by_key, files) if files.pinned else {}
    return ((by_key[key], files.prefix + name) for key, name in names.items())


def _files(ports: Ports, run: Run, channel: str) -> ChannelFiles:
    if run.reproduces is not None:
        return ports.bucket.channel_files(reproduction_files_key(run.project, run.id, channel))
    return ports.bucket.channel_files(channel_files_key(run.project, run.dataset.version, channel))
