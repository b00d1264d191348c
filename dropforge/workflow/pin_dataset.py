"""Make an immutable dataset version of the objects that were listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from dropforge.domain.artifact_layout import channel_files_key, manifest_key, origin_key, pool_prefix
from dropforge.domain.batching import batched
from dropforge.domain.dataset import Checksum, Dataset, ListedObject, Manifest, ObjectVersion, Origin
from dropforge.domain.pinning import Binding, ChannelFiles, Pin, by_channel, files_of, fits, pins
from dropforge.domain.project import PinMode, Project
from dropforge.domain.sealing import DEFAULT_CHANNEL, refuse_unfit
from dropforge.workflow.ports import Ports

WRITTEN_DOWN = 25
"""Copies that are recorded at once; so many at most are made again after a crash."""


@dataclass(frozen=True)
class Snapshot:
    """What is to be sealed: never empty. `by` dropped last before the cut-off."""

    objects: tuple[ListedObject, ...]
    cut_off: datetime
    by: str


@dataclass(frozen=True)
class _Channel:
    """A channel of which every object's checksum is known, and what a job is given of it."""

    checksums: Mapping[ListedObject, Checksum]
    files: ChannelFiles


def pin_dataset(ports: Ports, project: Project, snapshot: Snapshot, enough: Callable[[], bool]) -> Dataset | None:
    """The recorded dataset version; None when there was `enough` before all was copied: call again to go on.

    What an earlier call, or an earlier version, copied is not copied again. The version is recorded last, so that
    nobody sees half of it. DatasetRefusedError when an object cannot be pinned, VersionGoneError when one was deleted
    for good meanwhile.
    """
    refuse_unfit(project, snapshot.objects)
    channels: dict[str, _Channel] = {}
    for name, objects in by_channel(project, snapshot.objects).items():
        if project.pin.mode is PinMode.COPY:
            pinned = _copied(ports, project, name, objects, enough)
        else:
            pinned = _left_in_place(ports, project, name, objects)
        if pinned is None:
            return None
        channels[name] = pinned
    return _record(ports, project, snapshot, channels)


def _copied(
    ports: Ports, project: Project, channel: str, objects: tuple[ListedObject, ...], enough: Callable[[], bool]
) -> _Channel | None:
    pool, wanted, bound = _bound(ports, project, channel, objects)
    known = {pin.listed: found for pin in wanted if (found := bound[pin.to_key].checksum) is not None}
    missing = [pin for pin in wanted if pin.listed not in known]
    for some in batched(ports.bucket.copy_all(missing, enough), WRITTEN_DOWN):
        ports.store.record_copies(some)
        known |= {pin.listed: checksum for pin, checksum in some}
    if len(known) < len(wanted):
        return None
    files = files_of(pool_prefix(project.name, channel, pool), (pin.to_key for pin in wanted), pinned=True)
    return _Channel(known, files)


def _bound(
    ports: Ports, project: Project, channel: str, objects: tuple[ListedObject, ...]
) -> tuple[int, tuple[Pin, ...], Mapping[str, Binding]]:
    """The first pool, from the current one on, in which every key is bound to its object or could be: now it is."""
    pool = ports.store.pool(project.name, channel)
    while True:
        wanted = pins(project, channel, pool, objects)
        bound = ports.store.bind(wanted)
        if fits(wanted, bound):
            return pool, wanted, bound
        pool = ports.store.next_pool(project.name, channel, after=pool)


def _left_in_place(ports: Ports, project: Project, channel: str, objects: tuple[ListedObject, ...]) -> _Channel:
    """Nothing is read: what S3 has no SHA-256 of is known by its version id alone."""
    known = dict(ports.store.checksums(ports.bucket.name, objects))
    for listed, checksum in ports.bucket.stored_checksums(each for each in objects if each not in known):
        known[listed] = checksum
        if checksum.sha256 is not None:
            ports.store.record_checksum(ports.bucket.name, listed, checksum)
    in_folder = channel != DEFAULT_CHANNEL or "/" in objects[0].key.removeprefix(project.data_prefix)
    prefix = f"{project.data_prefix}{channel}/" if in_folder else project.data_prefix
    return _Channel(known, files_of(prefix, (each.key for each in objects), pinned=False))


def _record(ports: Ports, project: Project, snapshot: Snapshot, channels: Mapping[str, _Channel]) -> Dataset:
    manifest = Manifest.of(ports.bucket.name, _versions(channels))
    sources = Counter(checksum.source.value for each in channels.values() for checksum in each.checksums.values())
    origin = Origin(snapshot.cut_off, snapshot.by, project.pin.mode, dict(sorted(sources.items())))
    dataset = Dataset.of(project.name, manifest, ports.clock.now(), origin)
    there = ports.store.dataset(project.name, dataset.version)
    if there is not None:
        return there
    ports.bucket.put_manifest(manifest_key(project.name, dataset.version), manifest)
    ports.bucket.put_origin(origin_key(project.name, dataset.version), dataset)
    for name, channel in channels.items():
        ports.bucket.put_channel_files(channel_files_key(project.name, dataset.version, name), channel.files)
    ports.store.put_dataset(dataset, manifest.objects)
    return dataset


def _versions(channels: Mapping[str, _Channel]) -> Iterator[ObjectVersion]:
    for name, channel in channels.items():
        for listed, checksum in channel.checksums.items():
            yield ObjectVersion(name, listed.key, listed.version_id, listed.size, checksum.sha256, checksum.part_size)
