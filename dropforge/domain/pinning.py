"""How copies of dropped objects are kept, so that no object version is copied twice without need.

SageMaker gives a channel's objects to a job under the part of their keys that follows one common prefix. So objects
share a prefix, the channel's *pool*, and within a pool each name is bound to one object version for ever. A dataset
version uses the channel's current pool, to which it adds what is new; only where a name is bound to another version
there, the channel begins its next pool. What a job is given is a list of keys, never the pool's prefix.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dropforge.domain.artifact_layout import pool_prefix
from dropforge.domain.dataset import Checksum, ListedObject
from dropforge.domain.project import Project
from dropforge.domain.sealing import split_key


@dataclass(frozen=True)
class Pin:
    """An object version, and the one key in the artifact bucket that is bound to it."""

    listed: ListedObject
    to_key: str


@dataclass(frozen=True)
class Binding:
    """What a key in a pool is bound to; with a checksum, the copy is there and has been compared."""

    listed: ListedObject
    checksum: Checksum | None = None


@dataclass(frozen=True)
class ChannelFiles:
    """The objects of one channel, as the job sees them: `names` follow `prefix`, in the order of their bytes.

    `pinned` says which bucket the prefix is in: that of the copies, or that in which the data was dropped.
    """

    pinned: bool
    prefix: str
    names: tuple[str, ...]


def by_channel(project: Project, objects: Iterable[ListedObject]) -> Mapping[str, tuple[ListedObject, ...]]:
    found: dict[str, list[ListedObject]] = {}
    for each in objects:
        found.setdefault(split_key(each.key, project.data_prefix)[0], []).append(each)
    return {channel: tuple(found[channel]) for channel in sorted(found)}


def pins(project: Project, channel: str, pool: int, objects: Iterable[ListedObject]) -> tuple[Pin, ...]:
    """Where in the pool each of the channel's objects belongs."""
    prefix = pool_prefix(project.name, channel, pool)
    return tuple(Pin(each, prefix + split_key(each.key, project.data_prefix)[1]) for each in objects)


def fits(wanted: Sequence[Pin], bound: Mapping[str, Binding]) -> bool:
    """Whether no key is bound to anything else than is wanted of it."""
    return all(pin.to_key not in bound or bound[pin.to_key].listed == pin.listed for pin in wanted)


def files_of(prefix: str, keys: Iterable[str], *, pinned: bool) -> ChannelFiles:
    names = sorted((key.removeprefix(prefix) for key in keys), key=str.encode)
    return ChannelFiles(pinned, prefix, tuple(names))
