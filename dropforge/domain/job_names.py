"""Under which names a job was given its data, from what is on record alone: a project's prefix may change later."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from dropforge.domain.pinning import ChannelFiles
from dropforge.domain.sealing import split_key


def job_names(channel: str, keys: Collection[str], files: ChannelFiles) -> Mapping[str, str]:
    """By key, the name of each of the channel's objects in the job; empty where the list has them under none.

    They were named by the data prefix of that time, which is one under which every key has a name in the list. Of a
    whole channel no two such prefixes give different names; of a part of it the shortest counts.
    """
    listed = frozenset(files.names)
    for prefix in _folders(min(keys, default="")):
        if not all(key.startswith(prefix) for key in keys):
            break
        split = {key: split_key(key, prefix) for key in keys}
        if all(folder == channel and name in listed for folder, name in split.values()):
            return {key: name for key, (_, name) in split.items()}
    return {}


def _folders(path: str) -> Iterator[str]:
    """Each of the folders in which it lies, the outermost first."""
    return (path[: at + 1] for at, letter in enumerate(path) if letter == "/")
